// vocode VOICE.tflite < MEL > SOUND: float32 log-mel frames in, float32 samples out, as they come.
// Exit code 2 and one line for what is wrong with the voice or the mel.

#define _POSIX_C_SOURCE 200809L  // fork
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fail.h"
#include "litert.h"
#include "mel_input.h"
#include "voice_file.h"

enum { STEP = 32, TENSORS = 256 };

typedef struct {
  VoiceFile file;
  LiteRtEnvironment environment;
  LiteRtModel model;
  LiteRtCompiledModel compiled;
} Voice;

typedef struct {
  const char* key;
  size_t index, inputs, outputs;
  LiteRtSignature handle;
} Signature;

// What one call of a stream leaves for the next, under the names in the model.
typedef struct {
  size_t count;
  const char* names[TENSORS];
  LiteRtTensorBuffer buffers[TENSORS];
} States;

void fail(const char* format, ...) {
  va_list values;
  va_start(values, format);
  fputs("vocode: ", stderr);
  vfprintf(stderr, format, values);
  fputc('\n', stderr);
  va_end(values);
  exit(2);
}

static void check(LiteRtStatus status, const Voice* voice, const char* what) {
  if (status) fail("%s: LiteRT cannot %s (status %d)", voice->file.path, what, status);
}

static Signature find(const Voice* voice, const char* key) {
  Signature found = {.key = key};
  size_t count;
  check(LiteRtGetNumModelSignatures(voice->model, &count), voice, "list its signatures");
  for (; found.index < count; found.index++) {
    const char* name;
    check(LiteRtGetModelSignature(voice->model, found.index, &found.handle), voice,
          "list its signatures");
    check(LiteRtGetSignatureKey(found.handle, &name), voice, "list its signatures");
    if (!strcmp(name, key)) break;
  }
  if (found.index == count) fail("%s: has no signature %s", voice->file.path, key);
  check(LiteRtGetNumSignatureInputs(found.handle, &found.inputs), voice, "find inputs");
  check(LiteRtGetNumSignatureOutputs(found.handle, &found.outputs), voice, "find outputs");
  if (found.inputs > TENSORS || found.outputs > TENSORS)
    fail("%s: has too many states", voice->file.path);
  return found;
}

static const char* input_name(const Voice* voice, Signature signature, size_t input) {
  const char* name;
  check(LiteRtGetSignatureInputName(signature.handle, input, &name), voice, "find inputs");
  return name;
}

static const char* output_name(const Voice* voice, Signature signature, size_t output) {
  const char* name;
  check(LiteRtGetSignatureOutputName(signature.handle, output, &name), voice, "find outputs");
  return name;
}

// Lays out a signature for so many frames of mel: the layouts of its outputs.
static void lay_out(const Voice* voice, Signature signature, int frames,
                    LiteRtLayout layouts[TENSORS]) {
  const int shape[] = {1, frames, voice->file.n_mels};
  for (size_t i = 0; i < signature.inputs; i++)
    if (!strcmp(input_name(voice, signature, i), "mel"))
      check(LiteRtCompiledModelResizeInputTensor(voice->compiled, signature.index, i, shape, 3),
            voice, "take a mel of that shape");
  check(LiteRtGetCompiledModelOutputTensorLayouts(voice->compiled, signature.index,
                                                  signature.outputs, layouts, true),
        voice, "lay out a mel of that shape");
}

// The output `audio`, which must have so many samples.
static size_t find_audio(const Voice* voice, Signature signature, const LiteRtLayout* layouts,
                         int samples) {
  size_t i = 0;
  while (i < signature.outputs && strcmp(output_name(voice, signature, i), "audio")) i++;
  if (i == signature.outputs) fail("%s: %s gives no audio", voice->file.path, signature.key);
  // The runtime cannot foresee the length of what vocode_short gives.
  const int32_t* dimensions = layouts[i].dimensions;
  bool holds = layouts[i].rank == 2 && dimensions[0] == 1 && dimensions[1] == samples;
  if (!holds && strcmp(signature.key, "vocode_short"))
    fail("%s: its voice.json contradicts its model in %s; export it again", voice->file.path,
         signature.key);
  return i;
}

static Voice open_voice(const char* path) {
  Voice voice = {.file = read_voice_file(path)};
  const LiteRtEnvOption quiet = {kLiteRtEnvOptionTagMinLoggerSeverity,
                                 {kLiteRtAnyTypeInt, {kLiteRtLogSeveritySilent}}};
  LiteRtOptions options;
  check(LiteRtCreateEnvironment(1, &quiet, &voice.environment), &voice, "start");
  check(LiteRtCreateOptions(&options), &voice, "start");
  check(LiteRtSetOptionsHardwareAccelerators(options, kLiteRtHwAcceleratorCpu), &voice, "start");
  check(LiteRtCreateModelFromBuffer(voice.environment, voice.file.model, voice.file.model_size,
                                    &voice.model),
        &voice, "read it");
  check(LiteRtCreateCompiledModel(voice.environment, voice.model, options, &voice.compiled), &voice,
        "run it");
  // The buffers for sound are allocated by these facts, so the model must agree with them.
  LiteRtLayout layouts[TENSORS];
  Signature step = find(&voice, "step");
  lay_out(&voice, step, 1, layouts);
  find_audio(&voice, step, layouts, voice.file.hop);
  return voice;
}

static void require_float32(const Voice* voice, LiteRtRankedTensorType type, const char* name) {
  if (type.element_type != kLiteRtElementTypeFloat32)
    fail("%s: %s is not float32 in its model; export it again", voice->file.path, name);
}

static LiteRtTensorBuffer mel_buffer(const Voice* voice, Signature signature, size_t input,
                                     const float* mel, int frames) {
  LiteRtTensor tensor;
  LiteRtRankedTensorType type;
  LiteRtTensorBufferRequirements needs;
  LiteRtTensorBuffer buffer;
  void* memory;
  check(LiteRtGetSignatureInputTensorByIndex(signature.handle, input, &tensor), voice, "find mel");
  check(LiteRtGetRankedTensorType(tensor, &type), voice, "find mel");
  require_float32(voice, type, "mel");
  check(LiteRtGetCompiledModelInputTensorLayout(voice->compiled, signature.index, input,
                                                &type.layout),
        voice, "find mel");
  check(LiteRtGetCompiledModelInputBufferRequirements(voice->compiled, signature.index, input,
                                                      &needs),
        voice, "find mel");
  check(LiteRtCreateManagedTensorBufferFromRequirements(voice->environment, &type, needs, &buffer),
        voice, "allocate");
  check(LiteRtLockTensorBuffer(buffer, &memory, kLiteRtTensorBufferLockModeWrite), voice, "write");
  memcpy(memory, mel, sizeof(float) * (size_t)frames * (size_t)voice->file.n_mels);
  check(LiteRtUnlockTensorBuffer(buffer), voice, "write");
  return buffer;
}

// For an output that is laid out so; of audio, `samples` is the length, else 0. For vocode_short,
// the runtime asks for less memory than it then writes.
static LiteRtTensorBuffer output_buffer(const Voice* voice, Signature signature, size_t output,
                                        LiteRtLayout layout, int samples) {
  LiteRtTensor tensor;
  LiteRtRankedTensorType type;
  LiteRtTensorBufferRequirements needs;
  LiteRtTensorBuffer buffer;
  check(LiteRtGetSignatureOutputTensorByIndex(signature.handle, output, &tensor), voice,
        "find outputs");
  check(LiteRtGetRankedTensorType(tensor, &type), voice, "find outputs");
  type.layout = layout;
  if (samples) {
    require_float32(voice, type, "audio");
    type.layout.dimensions[1] = samples;
    check(LiteRtCreateManagedTensorBuffer(voice->environment, kLiteRtTensorBufferTypeHostMemory,
                                          &type, sizeof(float) * (size_t)samples, &buffer),
          voice, "allocate");
    return buffer;
  }
  check(LiteRtGetCompiledModelOutputBufferRequirements(voice->compiled, signature.index, output,
                                                       &needs),
        voice, "find outputs");
  check(LiteRtCreateManagedTensorBufferFromRequirements(voice->environment, &type, needs, &buffer),
        voice, "allocate");
  return buffer;
}

static void write_sound(const Voice* voice, LiteRtTensorBuffer audio, int samples) {
  void* memory;
  check(LiteRtLockTensorBuffer(audio, &memory, kLiteRtTensorBufferLockModeRead), voice, "read");
  for (int i = 0; i < samples; i++)
    if (!isfinite(((float*)memory)[i]))
      fail("%s: gives NaN or infinite samples; its weights are damaged", voice->file.path);
  if (fwrite(memory, sizeof(float), (size_t)samples, stdout) < (size_t)samples || fflush(stdout))
    fail("standard output: cannot be written");
  check(LiteRtUnlockTensorBuffer(audio), voice, "read");
  LiteRtDestroyTensorBuffer(audio);
}

// Calls a signature: mel and states in, so many samples to standard output, and new states in place
// of the old.
static void call(const Voice* voice, const char* key, const float* mel, int frames, int samples,
                 States* states) {
  Signature signature = find(voice, key);
  LiteRtTensorBuffer in[TENSORS], out[TENSORS];
  LiteRtLayout layouts[TENSORS];
  States next = {0};
  lay_out(voice, signature, frames, layouts);
  size_t audio = find_audio(voice, signature, layouts, samples);

  for (size_t i = 0; i < signature.inputs; i++) {
    const char* name = input_name(voice, signature, i);
    in[i] = NULL;
    if (frames && !strcmp(name, "mel")) in[i] = mel_buffer(voice, signature, i, mel, frames);
    for (size_t j = 0; j < states->count; j++)
      if (!strcmp(name, states->names[j])) in[i] = states->buffers[j];
    if (!in[i]) fail("%s: %s asks for an unknown %s", voice->file.path, key, name);
  }
  for (size_t i = 0; i < signature.outputs; i++) {
    out[i] = output_buffer(voice, signature, i, layouts[i], i == audio ? samples : 0);
    if (i == audio) continue;
    next.names[next.count] = output_name(voice, signature, i);
    next.buffers[next.count++] = out[i];
  }
  check(LiteRtRunCompiledModel(voice->compiled, signature.index, signature.inputs, in,
                               signature.outputs, out),
        voice, "compute");
  for (size_t i = 0; i < signature.inputs; i++) LiteRtDestroyTensorBuffer(in[i]);
  *states = next;
  write_sound(voice, out[audio], samples);
}

static void vocode(const char* path) {
  Voice voice = open_voice(path);
  MelInput input = open_mel(voice.file.n_mels);
  States states = {0};
  int start = voice.file.start_frames, hop = voice.file.hop, lookahead = voice.file.lookahead;
  int first = start > STEP ? start : STEP;
  float* mel = malloc(sizeof(float) * (size_t)first * (size_t)voice.file.n_mels);
  if (!mel) fail("there is no memory for %d frames", first);

  int frames = read_frames(&input, mel, first);
  if (frames >= start) {
    call(&voice, "start", mel, frames, frames * hop - lookahead, &states);
    while ((frames = read_frames(&input, mel, STEP)))
      call(&voice, "step", mel, frames, frames * hop, &states);
    call(&voice, "end", NULL, 0, lookahead, &states);
  } else if (frames) {
    const char* key = frames < voice.file.shortest ? "vocode_short" : "vocode";
    call(&voice, key, mel, frames, frames * hop, &states);
  }
  // The system takes back model and memory.
}

// LiteRT aborts on some models that are damaged inside, so it runs in a process of its own.
int main(int count, char** arguments) {
  if (count != 2) fail("usage: vocode VOICE.tflite < MEL > SOUND");
  pid_t child = fork();
  if (child < 0) fail("this system starts no further process");
  if (!child) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    vocode(arguments[1]);
    return 0;
  }
  int status;
  if (waitpid(child, &status, 0) < 0) fail("the process that vocodes is lost");
  if (WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 2))
    return WEXITSTATUS(status);
  int ended_by = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  if (ended_by == SIGINT || ended_by == SIGTERM || ended_by == SIGPIPE) raise(ended_by);
  fail("%s: LiteRT crashes on its model; export it again", arguments[1]);
}
