// The part of LiteRT's C interface that vocode.c calls, as of LiteRT 2.2 and 2.3: the Python
// package has the library and no headers. Where you have LiteRT's own, litert/c/*.h, include those.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int LiteRtStatus;  // 0: well
typedef struct LiteRtEnvironmentT* LiteRtEnvironment;
typedef struct LiteRtModelT* LiteRtModel;
typedef struct LiteRtSignatureT* LiteRtSignature;
typedef struct LiteRtTensorT* LiteRtTensor;
typedef struct LiteRtOptionsT* LiteRtOptions;
typedef struct LiteRtCompiledModelT* LiteRtCompiledModel;
typedef struct LiteRtTensorBufferT* LiteRtTensorBuffer;
typedef struct LiteRtTensorBufferRequirementsT* LiteRtTensorBufferRequirements;

typedef struct {
  int type;
  union {
    int64_t int_value;
  };
} LiteRtAny;

typedef struct {
  int tag;
  LiteRtAny value;
} LiteRtEnvOption;

typedef struct {
  unsigned rank : 7, has_strides : 1;
  int32_t dimensions[8];
  uint32_t strides[8];
} LiteRtLayout;

typedef struct {
  int element_type;
  LiteRtLayout layout;
} LiteRtRankedTensorType;

enum { kLiteRtEnvOptionTagMinLoggerSeverity = 25, kLiteRtAnyTypeInt = 2 };
enum { kLiteRtLogSeveritySilent = 4 };
enum { kLiteRtHwAcceleratorCpu = 1 };
enum { kLiteRtElementTypeFloat32 = 1 };
enum { kLiteRtTensorBufferTypeHostMemory = 1 };
enum { kLiteRtTensorBufferLockModeRead, kLiteRtTensorBufferLockModeWrite };

LiteRtStatus LiteRtCreateEnvironment(int count, const LiteRtEnvOption*, LiteRtEnvironment*);
LiteRtStatus LiteRtCreateOptions(LiteRtOptions*);
LiteRtStatus LiteRtSetOptionsHardwareAccelerators(LiteRtOptions, int accelerators);
LiteRtStatus LiteRtCreateModelFromBuffer(LiteRtEnvironment, const void* bytes, size_t count,
                                         LiteRtModel*);
LiteRtStatus LiteRtCreateCompiledModel(LiteRtEnvironment, LiteRtModel, LiteRtOptions,
                                       LiteRtCompiledModel*);

LiteRtStatus LiteRtGetNumModelSignatures(LiteRtModel, size_t* count);
LiteRtStatus LiteRtGetModelSignature(LiteRtModel, size_t index, LiteRtSignature*);
LiteRtStatus LiteRtGetSignatureKey(LiteRtSignature, const char** key);
LiteRtStatus LiteRtGetNumSignatureInputs(LiteRtSignature, size_t* count);
LiteRtStatus LiteRtGetNumSignatureOutputs(LiteRtSignature, size_t* count);
LiteRtStatus LiteRtGetSignatureInputName(LiteRtSignature, size_t index, const char** name);
LiteRtStatus LiteRtGetSignatureOutputName(LiteRtSignature, size_t index, const char** name);
LiteRtStatus LiteRtGetSignatureInputTensorByIndex(LiteRtSignature, size_t index, LiteRtTensor*);
LiteRtStatus LiteRtGetSignatureOutputTensorByIndex(LiteRtSignature, size_t index, LiteRtTensor*);
LiteRtStatus LiteRtGetRankedTensorType(LiteRtTensor, LiteRtRankedTensorType*);

LiteRtStatus LiteRtCompiledModelResizeInputTensor(LiteRtCompiledModel, size_t signature,
                                                  size_t input, const int* shape, size_t rank);
LiteRtStatus LiteRtGetCompiledModelInputTensorLayout(LiteRtCompiledModel, size_t signature,
                                                     size_t input, LiteRtLayout*);
LiteRtStatus LiteRtGetCompiledModelOutputTensorLayouts(LiteRtCompiledModel, size_t signature,
                                                       size_t count, LiteRtLayout*, bool allocate);
LiteRtStatus LiteRtGetCompiledModelInputBufferRequirements(LiteRtCompiledModel, size_t signature,
                                                           size_t input,
                                                           LiteRtTensorBufferRequirements*);
LiteRtStatus LiteRtGetCompiledModelOutputBufferRequirements(LiteRtCompiledModel, size_t signature,
                                                            size_t output,
                                                            LiteRtTensorBufferRequirements*);
LiteRtStatus LiteRtRunCompiledModel(LiteRtCompiledModel, size_t signature, size_t inputs,
                                    LiteRtTensorBuffer*, size_t outputs, LiteRtTensorBuffer*);

LiteRtStatus LiteRtCreateManagedTensorBuffer(LiteRtEnvironment, int memory,
                                             const LiteRtRankedTensorType*, size_t bytes,
                                             LiteRtTensorBuffer*);
LiteRtStatus LiteRtCreateManagedTensorBufferFromRequirements(LiteRtEnvironment,
                                                             const LiteRtRankedTensorType*,
                                                             LiteRtTensorBufferRequirements,
                                                             LiteRtTensorBuffer*);
LiteRtStatus LiteRtLockTensorBuffer(LiteRtTensorBuffer, void** memory, int mode);
LiteRtStatus LiteRtUnlockTensorBuffer(LiteRtTensorBuffer);
void LiteRtDestroyTensorBuffer(LiteRtTensorBuffer);
