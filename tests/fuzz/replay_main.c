/* Runs a fuzz target over the files of the directories that are named. */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "buf.h"
#include "file.h"
#include "fuzz.h"

#define INPUT_MAX (16 << 20)

/* The input as a block of its exact size, so that ASan sees every overrun. */
static void
replay_file(const char *path)
{
	struct buf b = { 0 };
	struct err e;
	uint8_t *exact;

	if (file_read(path, INPUT_MAX, &b, &e) == -1) {
		fprintf(stderr, "%s\n", e.text);
		exit(1);
	}
	exact = malloc(b.len == 0 ? 1 : b.len);
	if (exact == NULL)
		abort();
	for (size_t i = 0; i < b.len; i++)
		exact[i] = (uint8_t)b.data[i];
	LLVMFuzzerTestOneInput(exact, b.len);
	free(exact);
	buf_free(&b);
}

static int
replay_dir(const char *path)
{
	struct dirent *d;
	DIR *dir;
	int n = 0;

	if ((dir = opendir(path)) == NULL) {
		perror(path);
		exit(1);
	}
	while ((d = readdir(dir)) != NULL) {
		char *file;

		if (d->d_name[0] == '.')
			continue;
		file = file_join(path, d->d_name);
		replay_file(file);
		free(file);
		n++;
	}
	closedir(dir);
	return (n);
}

int
main(int argc, char **argv)
{
	int n = 0;

	for (int i = 1; i < argc; i++)
		n += replay_dir(argv[i]);
	printf("%d inputs\n", n);
	return (n > 0 ? 0 : 1);
}
