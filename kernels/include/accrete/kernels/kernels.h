// SPDX-License-Identifier: Apache-2.0
// Every call there is. What is around them, devices, memory and files, has headers of its own.
#pragma once

#include "accrete/kernels/batch_norm.h"
#include "accrete/kernels/conv.h"
#include "accrete/kernels/elementwise.h"
#include "accrete/kernels/error.h"
#include "accrete/kernels/image_batch.h"
#include "accrete/kernels/loss.h"
#include "accrete/kernels/optimizer.h"
#include "accrete/kernels/pool.h"
