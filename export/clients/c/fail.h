#pragma once

// Prints "vocode: " and one line to standard error, and ends the program with exit code 2.
_Noreturn void fail(const char* format, ...) __attribute__((format(printf, 1, 2)));
