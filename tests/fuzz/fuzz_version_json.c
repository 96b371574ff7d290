#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "fuzz.h"
#include "version_json.h"

/* What a stranger's web server answers: parsed, or refused with a reason. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct version_json v;
	struct err e;

	err_clear(&e);
	if (version_json_parse((const char *)data, size, &v, &e) == -1) {
		assert(e.text[0] != '\0');
		return (0);
	}
	assert(strspn(v.commit, "0123456789abcdef") == strlen(v.commit));
	assert(v.lock_hash == NULL || strlen(v.lock_hash) == 64);
	version_json_free(&v);
	return (0);
}
