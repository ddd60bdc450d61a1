/* SPDX-License-Identifier: Apache-2.0 */
#include "beside.h"

static void *work(void *arg)
{
	struct beside *beside = arg;

	beside->code = beside->run(beside->arg, &beside->err);
	return NULL;
}

void beside_start(struct beside *beside, beside_fn *run, void *arg)
{
	*beside = (struct beside){.run = run, .arg = arg};
	beside->started = pthread_create(&beside->thread, NULL, work, beside) == 0;
}

int beside_join(struct beside *beside, int code, struct peel_error *err)
{
	if (beside->started) {
		pthread_join(beside->thread, NULL);
	} else if (code == 0) {
		work(beside);
	}
	if (code == 0 && beside->code < 0) {
		*err = beside->err;
	}
	return code < 0 ? code : beside->code;
}
