/* SPDX-License-Identifier: Apache-2.0 */
#include "temp_name.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/random.h>

bool temp_name(char name[TEMP_NAME_SIZE])
{
	uint64_t number;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number)) {
		return false;
	}
	snprintf(name, TEMP_NAME_SIZE, ".peel-%016" PRIx64, number);
	return true;
}
