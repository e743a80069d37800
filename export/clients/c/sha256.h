#pragma once

#include <stddef.h>

// The SHA-256 of `size` bytes (FIPS 180-4) in hexadecimal: 64 characters and a zero.
void sha256(const unsigned char* bytes, size_t size, char hex[65]);
