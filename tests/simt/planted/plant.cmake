# SPDX-License-Identifier: Apache-2.0
# cmake -DSOURCE=FILE -DRESULT=FILE -DPLANT=FILE -P plant.cmake: copies a kernel's source with a bug
# planted: PLANT sets PLANT_FIND, which must occur exactly once, and PLANT_REPLACE. A plant whose
# place is gone stops the build, so that none can rot.
include("${PLANT}")
file(READ "${SOURCE}" text)
string(FIND "${text}" "${PLANT_FIND}" first)
string(FIND "${text}" "${PLANT_FIND}" last REVERSE)
if(first EQUAL -1)
  message(FATAL_ERROR "${SOURCE} no longer contains the text to mutate:\n${PLANT_FIND}")
elseif(NOT first EQUAL last)
  message(FATAL_ERROR "${SOURCE} contains the text to mutate more than once:\n${PLANT_FIND}")
endif()
string(REPLACE "${PLANT_FIND}" "${PLANT_REPLACE}" text "${text}")
file(WRITE "${RESULT}" "${text}")
