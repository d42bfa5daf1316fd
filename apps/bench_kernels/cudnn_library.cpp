// SPDX-License-Identifier: Apache-2.0
#include "cudnn_library.h"

#include <dlfcn.h>

#include "accrete/kernels/error.h"

namespace accrete::bench::cudnn {
namespace {

// Looks functions up and remembers the first that is missing.
class Symbols {
 public:
  explicit Symbols(void* library) : library_(library) {}

  template <class Function>
  void find(Function& function, const char* name) {
    function = reinterpret_cast<Function>(dlsym(library_, name));
    if (function == nullptr && missing_.empty()) {
      missing_ = name;
    }
  }
  const std::string& missing() const { return missing_; }

 private:
  void* library_;
  std::string missing_;
};

void find_descriptors(Symbols& symbols, Library& library) {
  symbols.find(library.create_tensor, "cudnnCreateTensorDescriptor");
  symbols.find(library.destroy_tensor, "cudnnDestroyTensorDescriptor");
  symbols.find(library.set_tensor, "cudnnSetTensor4dDescriptorEx");
  symbols.find(library.create_filter, "cudnnCreateFilterDescriptor");
  symbols.find(library.destroy_filter, "cudnnDestroyFilterDescriptor");
  symbols.find(library.set_filter, "cudnnSetFilter4dDescriptor");
  symbols.find(library.create_convolution, "cudnnCreateConvolutionDescriptor");
  symbols.find(library.destroy_convolution, "cudnnDestroyConvolutionDescriptor");
  symbols.find(library.set_convolution, "cudnnSetConvolution2dDescriptor");
  symbols.find(library.set_math, "cudnnSetConvolutionMathType");
}

void find_passes(Symbols& symbols, Library& library) {
  symbols.find(library.forward.find, "cudnnFindConvolutionForwardAlgorithmEx");
  symbols.find(library.forward.convolve, "cudnnConvolutionForward");
  symbols.find(library.dgrad.find, "cudnnFindConvolutionBackwardDataAlgorithmEx");
  symbols.find(library.dgrad.convolve, "cudnnConvolutionBackwardData");
  symbols.find(library.wgrad.find, "cudnnFindConvolutionBackwardFilterAlgorithmEx");
  symbols.find(library.wgrad.convolve, "cudnnConvolutionBackwardFilter");
}

}  // namespace

void Library::check(int status, const char* call) const {
  if (status != kSuccess) {
    throw Error(ErrorCode::device_failure,
                "[bench] " + std::string(call) + ": " + error_text(status));
  }
}

bool load(Library& library, std::string& reason) {
  void* handle = nullptr;
  for (const char* name : {"libcudnn.so.9", "libcudnn.so.8"}) {
    handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (handle != nullptr) {
      break;
    }
    const char* error = dlerror();
    reason += std::string(reason.empty() ? "" : "; ") + (error != nullptr ? error : name);
  }
  if (handle == nullptr) {
    return false;
  }
  Symbols symbols(handle);
  symbols.find(library.version, "cudnnGetVersion");
  symbols.find(library.error_text, "cudnnGetErrorString");
  symbols.find(library.create, "cudnnCreate");
  symbols.find(library.destroy, "cudnnDestroy");
  symbols.find(library.set_stream, "cudnnSetStream");
  find_descriptors(symbols, library);
  find_passes(symbols, library);
  reason = symbols.missing().empty() ? "" : "it has no " + symbols.missing();
  return reason.empty();
}

}  // namespace accrete::bench::cudnn
