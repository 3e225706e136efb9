/*
 * Makes libxlsxwriter fail, for tests: to be preloaded into a server.
 *
 * The file that FAIL_XLSXWRITER names says how, and is read in each process
 * when libxlsxwriter allocates for the first time:
 *
 *	  malloc N	its allocation number N, from 0, fails
 *	  size N	no file that the process writes grows over N bytes
 *
 * A file FAIL_XLSXWRITER.hit is made when an allocation has failed.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t number, size_t size);
extern void *__libc_realloc(void *pointer, size_t size);

static int	known;				/* has the file been read */
static long countdown = -1;		/* allocations until the one that fails */

/* Is it code of the library, or of what writes its archive? */
static int
is_caller(void *address)
{
	Dl_info		info;

	return dladdr(address, &info) != 0 && info.dli_fname != NULL &&
		(strstr(info.dli_fname, "/libxlsxwriter.") != NULL ||
		 strstr(info.dli_fname, "/libminizip.") != NULL);
}

/* Read what to do, without an allocation. */
static void
read_orders(const char *path)
{
	char		orders[64] = "";
	int			file = open(path, O_RDONLY);

	if (file < 0)
		return;
	if (read(file, orders, sizeof(orders) - 1) <= 0)
		orders[0] = '\0';
	close(file);
	if (strncmp(orders, "malloc ", 7) == 0)
		countdown = atol(orders + 7);
	else if (strncmp(orders, "size ", 5) == 0)
	{
		struct rlimit limit;

		limit.rlim_cur = limit.rlim_max = atol(orders + 5);
		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &limit);
	}
}

/* Has this allocation to fail? */
static int
fails(void *caller)
{
	const char *path = getenv("FAIL_XLSXWRITER");
	char		hit[PATH_MAX];
	int			file;

	if (path == NULL || !is_caller(caller))
		return 0;
	if (!known)
	{
		known = 1;
		read_orders(path);
	}
	if (countdown < 0 || countdown-- > 0)
		return 0;
	snprintf(hit, sizeof(hit), "%s.hit", path);
	file = open(hit, O_WRONLY | O_CREAT, 0600);
	if (file >= 0)
		close(file);
	errno = ENOMEM;
	return 1;
}

void *
malloc(size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *
calloc(size_t number, size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL :
		__libc_calloc(number, size);
}

void *
realloc(void *pointer, size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL :
		__libc_realloc(pointer, size);
}
