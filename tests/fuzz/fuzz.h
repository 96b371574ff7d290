#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* What every target exports; libFuzzer gives no header for it. */
int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#endif
