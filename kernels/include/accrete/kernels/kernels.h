// SPDX-License-Identifier: Apache-2.0
// Everything public in this folder.
#pragma once

#include "accrete/kernels/batch_norm.h"
#include "accrete/kernels/conv.h"
#include "accrete/kernels/dropout.h"
#include "accrete/kernels/elementwise.h"
#include "accrete/kernels/error.h"
#include "accrete/kernels/fused_conv.h"
#include "accrete/kernels/image_batch.h"
#include "accrete/kernels/linear.h"
#include "accrete/kernels/norm_relu.h"
#include "accrete/kernels/norm_relu_pool.h"
#include "accrete/kernels/optimizer.h"
#include "accrete/kernels/pool.h"
#include "accrete/kernels/random.h"
#include "accrete/kernels/relu.h"
#include "accrete/kernels/softmax_cross_entropy.h"
