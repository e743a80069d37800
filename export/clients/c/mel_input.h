#pragma once

#include <stdint.h>

// Log-mel frames from standard input: raw float32, or a .npy file of float32 (frames, n_mels).
typedef struct {
  int n_mels;
  int64_t frames;  // of a .npy file; -1 where the end of the input says how many
  int64_t read;
  unsigned char first[6];  // the first bytes, until frames are read
  int first_size;
} MelInput;

MelInput open_mel(int n_mels);

// Reads up to so many frames, fewer at the end alone. Ends the program where they are wrong.
int read_frames(MelInput* input, float* mel, int frames);
