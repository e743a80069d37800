// vocode VOICE.tflite < MEL > SOUND: float32 log-mel frames in, float32 samples out, as they come.
// Exit code 2 and one line for what is wrong with the voice or the mel.

#define _GNU_SOURCE  // memmem
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "litert.h"

enum { STEP = 32, TENSORS = 256, TAIL = 1 << 16 };

typedef struct {
  const char* path;
  int n_mels, hop, shortest, start_frames, lookahead;
  LiteRtEnvironment environment;
  LiteRtModel model;
  LiteRtCompiledModel compiled;
} Voice;

// What one call of a stream leaves for the next, under the names in the model.
typedef struct {
  size_t count;
  const char* names[TENSORS];
  LiteRtTensorBuffer buffers[TENSORS];
} States;

static _Noreturn void fail(const char* format, ...) {
  va_list values;
  va_start(values, format);
  fputs("vocode: ", stderr);
  vfprintf(stderr, format, values);
  fputc('\n', stderr);
  va_end(values);
  exit(2);
}

static void check(LiteRtStatus status, const Voice* voice, const char* what) {
  if (status) fail("%s: LiteRT cannot %s (status %d)", voice->path, what, status);
}

// A whole number out of voice.json, which lies uncompressed in the archive behind the model.
static int fact(const Voice* voice, const char* tail, size_t size, const char* key) {
  const char* place = memmem(tail, size, key, strlen(key));
  int value = place ? atoi(place + strlen(key)) : 0;
  if (value < 1) fail("%s: is no voice of tf-melgan, or is damaged", voice->path);
  return value;
}

static void read_facts(Voice* voice) {
  static char tail[TAIL + 1];
  FILE* file = fopen(voice->path, "rb");
  if (!file) fail("%s: cannot be read", voice->path);
  if (fseek(file, -(long)TAIL, SEEK_END)) rewind(file);
  size_t size = fread(tail, 1, TAIL, file);
  fclose(file);
  const char end[] = "PK\5\6";  // of an archive without a comment: its last 22 bytes begin so
  if (size < 22 || memcmp(tail + size - 22, end, 4))
    fail("%s: is no voice of tf-melgan, or is cut off", voice->path);
  voice->n_mels = fact(voice, tail, size, "\"n_mels\":");
  voice->hop = fact(voice, tail, size, "\"hop\":");
  voice->shortest = fact(voice, tail, size, "\"shortest\":");
  voice->start_frames = fact(voice, tail, size, "\"start_frames\":");
  voice->lookahead = fact(voice, tail, size, "\"lookahead\":");
}

static Voice open_voice(const char* path) {
  Voice voice = {.path = path};
  const LiteRtEnvOption quiet = {kLiteRtEnvOptionTagMinLoggerSeverity,
                                 {kLiteRtAnyTypeInt, {kLiteRtLogSeveritySilent}}};
  LiteRtOptions options;
  read_facts(&voice);
  check(LiteRtCreateEnvironment(1, &quiet, &voice.environment), &voice, "start");
  check(LiteRtCreateOptions(&options), &voice, "start");
  check(LiteRtSetOptionsHardwareAccelerators(options, kLiteRtHwAcceleratorCpu), &voice, "start");
  check(LiteRtCreateModelFromFile(voice.environment, path, &voice.model), &voice, "read it");
  check(LiteRtCreateCompiledModel(voice.environment, voice.model, options, &voice.compiled), &voice,
        "run it");
  return voice;
}

static size_t find(const Voice* voice, const char* key, LiteRtSignature* signature) {
  size_t count;
  check(LiteRtGetNumModelSignatures(voice->model, &count), voice, "list its signatures");
  for (size_t index = 0; index < count; index++) {
    const char* name;
    check(LiteRtGetModelSignature(voice->model, index, signature), voice, "list its signatures");
    check(LiteRtGetSignatureKey(*signature, &name), voice, "list its signatures");
    if (!strcmp(name, key)) return index;
  }
  fail("%s: has no signature %s", voice->path, key);
}

static LiteRtTensorBuffer mel_buffer(const Voice* voice, LiteRtSignature signature, size_t index,
                                     size_t input, const float* mel, int frames) {
  const int shape[] = {1, frames, voice->n_mels};
  LiteRtTensor tensor;
  LiteRtRankedTensorType type;
  LiteRtTensorBufferRequirements needs;
  LiteRtTensorBuffer buffer;
  void* memory;
  check(LiteRtCompiledModelResizeInputTensor(voice->compiled, index, input, shape, 3), voice,
        "take so many frames");
  check(LiteRtGetSignatureInputTensorByIndex(signature, input, &tensor), voice, "find mel");
  check(LiteRtGetRankedTensorType(tensor, &type), voice, "find mel");
  check(LiteRtGetCompiledModelInputTensorLayout(voice->compiled, index, input, &type.layout), voice,
        "find mel");
  check(LiteRtGetCompiledModelInputBufferRequirements(voice->compiled, index, input, &needs), voice,
        "find mel");
  check(LiteRtCreateManagedTensorBufferFromRequirements(voice->environment, &type, needs, &buffer),
        voice, "allocate");
  check(LiteRtLockTensorBuffer(buffer, &memory, kLiteRtTensorBufferLockModeWrite), voice, "write");
  memcpy(memory, mel, sizeof(float) * frames * voice->n_mels);
  check(LiteRtUnlockTensorBuffer(buffer), voice, "write");
  return buffer;
}

// For an output that is laid out so; of audio, `samples` is the length, else 0. The runtime cannot
// foresee the length of what vocode_short gives, and asks for less memory than it then writes.
static LiteRtTensorBuffer output_buffer(const Voice* voice, LiteRtSignature signature, size_t index,
                                        size_t output, LiteRtLayout layout, int samples) {
  LiteRtTensor tensor;
  LiteRtRankedTensorType type;
  LiteRtTensorBufferRequirements needs;
  LiteRtTensorBuffer buffer;
  check(LiteRtGetSignatureOutputTensorByIndex(signature, output, &tensor), voice, "find outputs");
  check(LiteRtGetRankedTensorType(tensor, &type), voice, "find outputs");
  type.layout = layout;
  if (samples) {
    type.layout.dimensions[1] = samples;
    check(LiteRtCreateManagedTensorBuffer(voice->environment, kLiteRtTensorBufferTypeHostMemory,
                                          &type, sizeof(float) * samples, &buffer),
          voice, "allocate");
    return buffer;
  }
  check(LiteRtGetCompiledModelOutputBufferRequirements(voice->compiled, index, output, &needs),
        voice, "find outputs");
  check(LiteRtCreateManagedTensorBufferFromRequirements(voice->environment, &type, needs, &buffer),
        voice, "allocate");
  return buffer;
}

static void write_sound(const Voice* voice, LiteRtTensorBuffer audio, int samples) {
  void* memory;
  check(LiteRtLockTensorBuffer(audio, &memory, kLiteRtTensorBufferLockModeRead), voice, "read");
  if (fwrite(memory, sizeof(float), samples, stdout) < (size_t)samples || fflush(stdout))
    fail("standard output: cannot be written");
  check(LiteRtUnlockTensorBuffer(audio), voice, "read");
  LiteRtDestroyTensorBuffer(audio);
}

// Calls a signature: mel and states in, so many samples to standard output, and new states in place
// of the old.
static void call(const Voice* voice, const char* key, const float* mel, int frames, int samples,
                 States* states) {
  LiteRtSignature signature;
  size_t index = find(voice, key, &signature), inputs, outputs;
  LiteRtTensorBuffer in[TENSORS], out[TENSORS], audio = NULL;
  LiteRtLayout layouts[TENSORS];
  States next = {0};
  const char* name;
  check(LiteRtGetNumSignatureInputs(signature, &inputs), voice, "find inputs");
  check(LiteRtGetNumSignatureOutputs(signature, &outputs), voice, "find outputs");
  if (inputs > TENSORS || outputs > TENSORS) fail("%s: has too many states", voice->path);

  for (size_t i = 0; i < inputs; i++) {
    check(LiteRtGetSignatureInputName(signature, i, &name), voice, "find inputs");
    in[i] = NULL;
    if (!strcmp(name, "mel")) in[i] = mel_buffer(voice, signature, index, i, mel, frames);
    for (size_t j = 0; j < states->count; j++)
      if (!strcmp(name, states->names[j])) in[i] = states->buffers[j];
    if (!in[i]) fail("%s: %s asks for an unknown %s", voice->path, key, name);
  }
  check(LiteRtGetCompiledModelOutputTensorLayouts(voice->compiled, index, outputs, layouts, true),
        voice, "find outputs");
  for (size_t i = 0; i < outputs; i++) {
    check(LiteRtGetSignatureOutputName(signature, i, &name), voice, "find outputs");
    bool is_audio = !strcmp(name, "audio");
    out[i] = output_buffer(voice, signature, index, i, layouts[i], is_audio ? samples : 0);
    if (is_audio) {
      audio = out[i];
    } else {
      next.names[next.count] = name;
      next.buffers[next.count++] = out[i];
    }
  }
  if (!audio) fail("%s: %s gives no audio", voice->path, key);
  check(LiteRtRunCompiledModel(voice->compiled, index, inputs, in, outputs, out), voice, "compute");
  for (size_t i = 0; i < inputs; i++) LiteRtDestroyTensorBuffer(in[i]);
  *states = next;
  write_sound(voice, audio, samples);
}

// Up to so many frames from standard input; fewer at its end alone.
static int read_frames(const Voice* voice, float* mel, int frames) {
  size_t got = fread(mel, 1, sizeof(float) * frames * voice->n_mels, stdin);
  size_t frame = sizeof(float) * voice->n_mels;
  if (ferror(stdin)) fail("standard input: cannot be read");
  if (got % frame) fail("standard input: ends within a frame of %d float32", voice->n_mels);
  return (int)(got / frame);
}

int main(int count, char** arguments) {
  if (count != 2) fail("usage: vocode VOICE.tflite < MEL > SOUND");
  Voice voice = open_voice(arguments[1]);
  States states = {0};
  int first = voice.start_frames > STEP ? voice.start_frames : STEP;
  float* mel = malloc(sizeof(float) * first * voice.n_mels);
  if (!mel) fail("out of memory");

  int frames = read_frames(&voice, mel, first), hop = voice.hop;
  if (frames >= voice.start_frames) {
    call(&voice, "start", mel, frames, frames * hop - voice.lookahead, &states);
    while ((frames = read_frames(&voice, mel, STEP)))
      call(&voice, "step", mel, frames, frames * hop, &states);
    call(&voice, "end", NULL, 0, voice.lookahead, &states);
  } else if (frames) {
    const char* whole = frames < voice.shortest ? "vocode_short" : "vocode";
    call(&voice, whole, mel, frames, frames * hop, &states);
  }
  return 0;  // the system takes back model and memory
}
