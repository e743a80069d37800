#include "mel_input.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"

static const char MAGIC[] = "\x93NUMPY";
enum { LONGEST_HEADER = 4096 };

static size_t take(MelInput* input, void* to, size_t bytes) {
  size_t first = (size_t)input->first_size < bytes ? (size_t)input->first_size : bytes;
  memcpy(to, input->first, first);
  input->first_size -= (int)first;
  memmove(input->first, input->first + first, (size_t)input->first_size);
  size_t got = first + fread((char*)to + first, 1, bytes - first, stdin);
  if (ferror(stdin)) fail("standard input: cannot be read");
  return got;
}

// The header is a Python dictionary, which NumPy writes in one way, and spaces up to a line's end.
static void read_header(MelInput* input) {
  unsigned char start[6];
  char header[LONGEST_HEADER + 1];
  input->first_size = 0;
  int small = fread(start, 1, 2, stdin) == 2 && start[0] == 1;
  size_t width = small ? 2 : 4, length = 0;
  if (fread(start + 2, 1, width, stdin) != width) fail("standard input: the .npy file is cut off");
  for (size_t i = 0; i < width; i++) length |= (size_t)start[2 + i] << 8 * i;
  if (length > LONGEST_HEADER || fread(header, 1, length, stdin) != length)
    fail("standard input: the .npy file is cut off, or has a damaged header");
  header[length] = 0;

  const char* shape = strstr(header, "(");
  long long frames = shape ? strtoll(shape + 1, NULL, 10) : -1;
  char expected[128];
  int size = snprintf(expected, sizeof expected,
                      "{'descr': '<f4', 'fortran_order': False, 'shape': (%lld, %d), }", frames,
                      input->n_mels);
  int holds = frames >= 0 && !strncmp(header, expected, (size_t)size);
  if (!holds || strspn(header + size, " ") + (size_t)size + 1 != length)
    fail("standard input: give a .npy file of float32 (frames, %d), frame by frame", input->n_mels);
  input->frames = frames;
}

MelInput open_mel(int n_mels) {
  MelInput input = {.n_mels = n_mels, .frames = -1};
  input.first_size = (int)fread(input.first, 1, sizeof input.first, stdin);
  if (!memcmp(input.first, MAGIC, sizeof input.first)) read_header(&input);
  return input;
}

int read_frames(MelInput* input, float* mel, int frames) {
  int64_t left = input->frames - input->read;
  int is_npy = input->frames >= 0;
  if (is_npy && left < frames) frames = (int)left;
  size_t frame = sizeof(float) * (size_t)input->n_mels;
  size_t got = take(input, mel, frame * (size_t)frames);
  if (is_npy && got != frame * (size_t)frames)
    fail("standard input: the .npy file ends before its %lld frames", (long long)input->frames);
  if (is_npy && left == frames && getchar() != EOF)
    fail("standard input: the .npy file goes on after its %lld frames", (long long)input->frames);
  if (got % frame) fail("standard input: ends within a frame of %d float32", input->n_mels);
  for (size_t i = 0; i < got / sizeof(float); i++)
    if (!isfinite(mel[i]))
      fail("standard input: holds NaN or infinite values in frame %lld; give finite ones",
           (long long)(input->read + (int64_t)i / input->n_mels));
  input->read += (int64_t)(got / frame);
  return (int)(got / frame);
}
