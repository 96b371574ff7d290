#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "file.h"
#include "prompt.h"
#include "str.h"

#define ANSWER_MAX 4096
#define TERMINAL "/dev/tty"

bool
prompt_possible(void)
{
	return (isatty(STDIN_FILENO) == 1);
}

/* One line of ${fd}, byte by byte: what follows it is for others. */
static char *
read_line(int fd, struct err *e)
{
	char line[ANSWER_MAX], c;
	char *out = NULL;
	size_t n = 0;
	ssize_t got;

	while ((got = read(fd, &c, 1)) == 1 && c != '\n' &&
	    n < sizeof(line) - 1)
		line[n++] = c;
	if (got == -1)
		err_sys(e, "read the answer");
	else if (got == 0 && n == 0)
		err_set(e, ERR_INPUT, "no answer was given");
	else {
		if (n > 0 && line[n - 1] == '\r')
			n--;
		out = str_ndup(line, n);
	}
	str_wipe(line, sizeof(line));
	return (out);
}

/* Ctrl-C waits until the echo is back. */
static char *
read_silent(int fd, struct err *e)
{
	struct termios old, silent;
	sigset_t stop, mask;
	char *out;

	if (tcgetattr(fd, &old) == -1) {
		err_sys(e, "switch the echo off");
		return (NULL);
	}
	silent = old;
	silent.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	silent.c_lflag |= ECHONL;
	sigemptyset(&stop);
	sigaddset(&stop, SIGINT);
	sigaddset(&stop, SIGTSTP);
	sigprocmask(SIG_BLOCK, &stop, &mask);
	tcsetattr(fd, TCSAFLUSH, &silent);
	out = read_line(fd, e);
	tcsetattr(fd, TCSAFLUSH, &old);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return (out);
}

char *
prompt_ask(const char *question, bool secret, struct err *e)
{
	char *out;
	int fd;

	if ((fd = open(TERMINAL, O_RDWR | O_CLOEXEC | O_NOCTTY)) == -1) {
		err_sys(e, "open the terminal");
		return (NULL);
	}
	if (file_write_all(fd, question, strlen(question)) == -1) {
		err_sys(e, "write to the terminal");
		out = NULL;
	} else
		out = secret ? read_silent(fd, e) : read_line(fd, e);
	close(fd);
	return (out);
}

char *
prompt_password(const char *file, struct err *e)
{
	char *out;
	int fd;

	if (file == NULL && prompt_possible())
		return (prompt_ask("Password: ", true, e));
	if (file == NULL || str_eq(file, "-"))
		return (read_line(STDIN_FILENO, e));
	if ((fd = open(file, O_RDONLY | O_CLOEXEC)) == -1) {
		err_sys(e, "open %s", file);
		return (NULL);
	}
	out = read_line(fd, e);
	close(fd);
	return (out);
}
