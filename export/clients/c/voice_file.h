#pragma once

#include <stddef.h>

// A voice's file: the model, and the facts about it in voice.json.
typedef struct {
  const char* path;
  unsigned char* model;
  size_t model_size;
  int n_mels, hop, shortest, start_frames, lookahead;
} VoiceFile;

// Reads the file and verifies its checksums and sizes; ends the program where they are wrong.
VoiceFile read_voice_file(const char* path);
