#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "out.h"
#include "utf8.h"

/* The end of the colour sequence that begins at ${i}, or abort. */
static size_t
colour_end(const struct buf *b, size_t i)
{
	i++;
	if (i >= b->len || b->data[i] != '[')
		abort();
	i++;
	i += strspn(b->data + i, "0123456789;:");
	if (b->data[i] != 'm')
		abort();
	return (i);
}

/* Nothing is left that a terminal acts on, but for colours where allowed. */
static void
check(const struct buf *b, int colours)
{
	if (!utf8_valid(b->data, b->len))
		abort();
	for (size_t i = 0; i < b->len; i++) {
		unsigned char c = (unsigned char)b->data[i];

		if (c == '\033' && colours)
			i = colour_end(b, i);
		else if ((c < ' ' && c != '\t') || c == 0x7f)
			abort();
		else if (c == 0xc2 && (unsigned char)b->data[i + 1] < 0xa0)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (int colours = 0; colours < 2; colours++) {
		struct buf b = { 0 };

		out_clean(&b, (const char *)data, size, colours != 0);
		check(&b, colours);
		buf_free(&b);
	}
	return (0);
}
