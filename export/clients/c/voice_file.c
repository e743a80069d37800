#define _GNU_SOURCE  // memmem, fstat
#include "voice_file.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fail.h"
#include "sha256.h"

// Far beyond any voice; what a file claims above these is refused before memory is taken for it.
enum { MOST_BYTES = 1 << 29, MOST_BANDS = 512, MOST_HOP = 1 << 15, MOST_FRAMES = 1 << 15 };
enum { MOST_LOOKAHEAD = 1 << 24 };
// Sizes of the records of a zip archive, without names.
enum { END = 22, CENTRAL = 46, LOCAL = 30 };
static const char NAME[] = "voice.json";
static const size_t NAME_SIZE = sizeof NAME - 1;

// Bytes that lie in the file, and no others.
typedef struct {
  const unsigned char* bytes;
  size_t size;
} Span;

static _Noreturn void fail_as_damaged(const char* path) {
  fail("%s: is not a tf-melgan voice, or is damaged; write it with tf-melgan export", path);
}

static unsigned char* read_all(const char* path, size_t* size) {
  FILE* file = fopen(path, "rb");
  struct stat about;
  if (!file || fstat(fileno(file), &about) || !S_ISREG(about.st_mode))
    fail("%s: cannot be read", path);
  if (about.st_size > MOST_BYTES)
    fail("%s: has %lld bytes; a voice has at most %d", path, (long long)about.st_size, MOST_BYTES);
  *size = (size_t)about.st_size;
  unsigned char* bytes = malloc(*size + 1);
  if (!bytes) fail("%s: there is no memory for its %zu bytes", path, *size);
  if (fread(bytes, 1, *size, file) != *size) fail("%s: cannot be read", path);
  fclose(file);
  return bytes;
}

static Span part(Span whole, uint64_t place, uint64_t size, const char* path) {
  if (place > whole.size || size > whole.size - place) fail_as_damaged(path);
  return (Span){whole.bytes + place, (size_t)size};
}

static uint32_t number(Span record, int place, int bytes) {
  uint32_t value = 0;
  for (int i = 0; i < bytes; i++) value |= (uint32_t)record.bytes[place + i] << 8 * i;
  return value;
}

static uint32_t crc32(Span span) {
  uint32_t crc = 0xffffffff;
  for (size_t i = 0; i < span.size; i++) {
    crc ^= span.bytes[i];
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc;
}

// voice.json, which lies uncompressed and alone in the archive behind the model.
static Span find_facts(Span file, const char* path) {
  if (file.size < END) fail_as_damaged(path);
  Span end = part(file, file.size - END, END, path);
  uint32_t directory_size = number(end, 12, 4), directory_place = number(end, 16, 4);
  if (memcmp(end.bytes, "PK\5\6", 4) || number(end, 10, 2) != 1) fail_as_damaged(path);
  // Places may count from the start of the archive; the difference is where it begins.
  uint64_t before_end = file.size - END;
  if ((uint64_t)directory_place + directory_size > before_end) fail_as_damaged(path);
  uint64_t shift = before_end - directory_size - directory_place;
  Span entry = part(file, shift + directory_place, CENTRAL + NAME_SIZE, path);
  if (memcmp(entry.bytes, "PK\1\2", 4) || number(entry, 10, 2) != 0 ||
      number(entry, 28, 2) != NAME_SIZE || memcmp(entry.bytes + CENTRAL, NAME, NAME_SIZE))
    fail_as_damaged(path);
  uint64_t local_place = shift + number(entry, 42, 4);
  Span local = part(file, local_place, LOCAL, path);
  if (memcmp(local.bytes, "PK\3\4", 4)) fail_as_damaged(path);
  uint64_t lead = LOCAL + number(local, 26, 2) + number(local, 28, 2);
  Span facts = part(file, local_place + lead, number(entry, 24, 4), path);
  if (crc32(facts) != number(entry, 16, 4)) fail_as_damaged(path);
  return facts;
}

// Where the value of a key begins, which must be there once.
static Span value_of(Span facts, const char* key, const char* path) {
  char quoted[32];
  size_t length = (size_t)snprintf(quoted, sizeof quoted, "\"%s\": ", key);
  const unsigned char* place = memmem(facts.bytes, facts.size, quoted, length);
  if (!place) fail_as_damaged(path);
  const unsigned char* start = place + length;
  Span rest = {start, (size_t)(facts.bytes + facts.size - start)};
  if (memmem(rest.bytes, rest.size, quoted, length)) fail_as_damaged(path);
  return rest;
}

static int whole_number(Span facts, const char* key, int least, int most, const char* path) {
  Span value = value_of(facts, key, path);
  int64_t result = 0;
  size_t digits = 0;
  for (; digits < value.size && digits < 10; digits++) {
    if (value.bytes[digits] < '0' || value.bytes[digits] > '9') break;
    result = 10 * result + value.bytes[digits] - '0';
  }
  if (!digits || digits == value.size || !strchr(",\n}", value.bytes[digits])) fail_as_damaged(path);
  if (result < least || result > most)
    fail("%s: %s is %lld in its voice.json; it goes from %d to %d", path, key, (long long)result,
         least, most);
  return (int)result;
}

VoiceFile read_voice_file(const char* path) {
  Span file;
  unsigned char* bytes = read_all(path, &file.size);
  file.bytes = bytes;
  Span facts = find_facts(file, path);
  VoiceFile voice = {.path = path, .model = bytes};
  voice.model_size = (size_t)whole_number(facts, "size", 1, MOST_BYTES, path);
  part(file, 0, voice.model_size, path);

  char actual[65];
  sha256(voice.model, voice.model_size, actual);
  Span expected = value_of(facts, "sha256", path);
  if (expected.size < 66 || memcmp(expected.bytes + 1, actual, 64))
    fail("%s: its checksum is wrong; copy or export it again", path);

  voice.n_mels = whole_number(facts, "n_mels", 1, MOST_BANDS, path);
  voice.hop = whole_number(facts, "hop", 1, MOST_HOP, path);
  voice.shortest = whole_number(facts, "shortest", 1, MOST_FRAMES, path);
  voice.start_frames = whole_number(facts, "start_frames", 1, MOST_FRAMES, path);
  voice.lookahead = whole_number(facts, "lookahead", 0, MOST_LOOKAHEAD, path);
  return voice;
}
