#include <stdint.h>
#include <string.h>

#include "frame.h"

#define LEN_MAX (16u * 1024 * 1024)

void
frame_add(struct buf *out, int opcode, const void *p, size_t n)
{
	unsigned char head[14] = { (unsigned char)(0x80 | opcode) };
	size_t h = 2;

	if (n < 126)
		head[1] = (unsigned char)(0x80 | n);
	else if (n < 65536) {
		head[1] = 0x80 | 126;
		head[h++] = (unsigned char)(n >> 8);
		head[h++] = (unsigned char)n;
	} else {
		head[1] = 0x80 | 127;
		for (int shift = 56; shift >= 0; shift -= 8)
			head[h++] = (unsigned char)((uint64_t)n >> shift);
	}
	h += 4;
	buf_add(out, head, h);
	buf_add(out, p, n);
}

long
frame_parse(const char *p, size_t n, struct frame *f)
{
	const unsigned char *u = (const unsigned char *)p;
	size_t head = 2;
	uint64_t len;

	if (n < 2)
		return (0);
	if ((u[0] & 0x70) != 0 || (u[1] & 0x80) != 0)
		return (-1);
	len = u[1];
	if (len >= 126)
		head += len == 126 ? 2 : 8;
	if (n < head)
		return (0);
	if (head > 2) {
		len = 0;
		for (size_t i = 2; i < head; i++)
			len = len << 8 | u[i];
	}
	if (len > LEN_MAX)
		return (-1);
	if (n < head + len)
		return (0);
	*f = (struct frame){ .opcode = u[0] & 0x0f, .final = u[0] & 0x80,
		.data = p + head, .len = len };
	return ((long)(head + len));
}
