/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of open files: what is served, what is not, and how changes are noticed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/temp_dir.h"
#include "services/http_files.h"

/* A second far from now: files just written count as settled then. */
#define LATER 100000000000

struct world {
	struct temp_dir dir;
	struct http_files files;
};

static void
world_start(struct world *w, uint32_t entries)
{
	temp_dir_create(&w->dir);
	assert_int_equal(http_files_init(&w->files, w->dir.path, entries), 0);
}

static void
world_stop(struct world *w)
{
	http_files_destroy(&w->files);
	temp_dir_remove(&w->dir);
}

static void
assert_contents(struct world *w, const char *name, int64_t wall_s, const char *expected)
{
	struct http_file *file;

	assert_int_equal(http_files_get(&w->files, name, wall_s, &file), 0);
	assert_true(http_file_is_inline(file));
	assert_int_equal(file->size_bytes, strlen(expected));
	assert_memory_equal(file->data, expected, strlen(expected));
	http_files_put(&w->files, file);
}

static void
a_small_file_is_in_memory_and_a_large_one_is_read(void **state)
{
	static char large[HTTP_FILE_INLINE_BYTES + 1], copy[sizeof(large)];
	struct world w;
	struct http_file *file;
	struct iovec iov[2] = { { copy, 100 }, { copy + 100, sizeof(copy) - 100 } };

	(void)state;
	for (size_t i = 0; i < sizeof(large); i++)
		large[i] = (char)i;
	world_start(&w, 4);
	temp_dir_mkdir(&w.dir, "sub");
	temp_dir_write(&w.dir, "sub/a.html", "hello", 5, 784111777);
	temp_dir_write(&w.dir, "edge", large, sizeof(large) - 1, -1);
	temp_dir_write(&w.dir, "large", large, sizeof(large), -1);
	assert_contents(&w, "sub/a.html", LATER, "hello");
	assert_int_equal(http_files_get(&w.files, "sub/a.html", LATER, &file), 0);
	assert_string_equal(file->type, "text/html; charset=utf-8");
	assert_string_equal(file->fields, "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
		"ETag: \"5-2ebc98a100000000\"\r\nAccept-Ranges: bytes\r\n");
	http_files_put(&w.files, file);
	assert_int_equal(http_files_get(&w.files, "edge", LATER, &file), 0);
	assert_true(http_file_is_inline(file));
	http_files_put(&w.files, file);
	assert_int_equal(http_files_get(&w.files, "large", LATER, &file), 0);
	assert_false(http_file_is_inline(file));
	assert_int_equal(http_file_read(file, iov, 2, 0), 0);
	assert_memory_equal(copy, large, sizeof(large));
	/* One byte more than there is. */
	assert_int_equal(http_file_read(file, iov, 2, 1), -EIO);
	http_files_put(&w.files, file);
	world_stop(&w);
}

static void
what_is_no_regular_file_inside_is_not_served(void **state)
{
	struct world w;
	struct http_file *file;
	struct temp_dir outside;
	char target[128];
	static const struct {
		const char *name;
		int err;
	} rows[] = {
		{ "missing", -ENOENT },
		{ "a/b", -ENOENT },
		{ "dir", -EISDIR },
		{ "fifo", -ENOENT },
		{ "inside-out", -ENOENT },
		{ "absolute", -ENOENT },
		{ "up/secret", -ENOENT },
		{ "magic/etc/passwd", -ENOENT },
		{ "../up", -ENOENT },
		{ "/etc/passwd", -ENOENT },
	};

	(void)state;
	temp_dir_create(&outside);
	temp_dir_write(&outside, "secret", "secret", 6, -1);
	world_start(&w, 4);
	temp_dir_mkdir(&w.dir, "dir");
	temp_dir_write(&w.dir, "a", "a", 1, -1);
	temp_dir_link(&w.dir, "a", "inside");
	temp_dir_link(&w.dir, "inside-out", "inside-out");
	temp_dir_link(&w.dir, temp_dir_path(&outside, "secret"), "absolute");
	snprintf(target, sizeof(target), "..%s", outside.path + strlen("/tmp"));
	temp_dir_link(&w.dir, target, "up");
	temp_dir_link(&w.dir, "/proc/self/root", "magic");
	assert_int_equal(mkfifo(temp_dir_path(&w.dir, "fifo"), 0600), 0);
	assert_contents(&w, "a", LATER, "a");
	assert_contents(&w, "inside", LATER, "a");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (http_files_get(&w.files, rows[i].name, LATER, &file) != rows[i].err)
			fail_msg("%s", rows[i].name);
	world_stop(&w);
	temp_dir_remove(&outside);
}

static void
a_name_longer_than_the_file_system_allows_is_not_found(void **state)
{
	struct world w;
	struct http_file *file;
	char name[HTTP_PATH_MAX];

	(void)state;
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	world_start(&w, 4);
	assert_int_equal(http_files_get(&w.files, name, LATER, &file), -ENOENT);
	world_stop(&w);
}

static void
within_one_second_the_file_system_is_asked_once(void **state)
{
	struct world w;
	struct http_file *file;

	(void)state;
	world_start(&w, 4);
	temp_dir_write(&w.dir, "a", "old", 3, -1);
	assert_contents(&w, "a", LATER, "old");
	temp_dir_write(&w.dir, "a", "new!", 4, -1);
	assert_contents(&w, "a", LATER, "old");
	assert_contents(&w, "a", LATER + 1, "new!");
	assert_int_equal(unlink(temp_dir_path(&w.dir, "a")), 0);
	assert_contents(&w, "a", LATER + 1, "new!");
	assert_int_equal(http_files_get(&w.files, "a", LATER + 2, &file), -ENOENT);
	world_stop(&w);
}

static void
a_change_without_new_times_is_noticed_while_the_file_is_young(void **state)
{
	struct world w;
	int64_t now_s = time(NULL);
	struct http_file *first, *second;

	(void)state;
	world_start(&w, 4);
	temp_dir_write(&w.dir, "a", "old", 3, -1);
	assert_int_equal(http_files_get(&w.files, "a", now_s, &first), 0);
	assert_false(first->settled);
	http_files_put(&w.files, first);
	/* Whatever the clock of the file system did: young bytes are read again. */
	temp_dir_write(&w.dir, "a", "new", 3, -1);
	assert_contents(&w, "a", now_s + 1, "new");
	/* Old ones are kept. */
	assert_int_equal(http_files_get(&w.files, "a", LATER, &first), 0);
	http_files_put(&w.files, first);
	assert_int_equal(http_files_get(&w.files, "a", LATER + 1, &second), 0);
	assert_ptr_equal(first, second);
	http_files_put(&w.files, second);
	world_stop(&w);
}

static void
a_transfer_keeps_the_file_it_began_with(void **state)
{
	static char large[HTTP_FILE_INLINE_BYTES + 1];
	struct world w;
	struct http_file *old, *new;
	char byte, from[128];
	struct iovec iov = { &byte, 1 };

	(void)state;
	world_start(&w, 4);
	memset(large, 'o', sizeof(large));
	temp_dir_write(&w.dir, "a", large, sizeof(large), -1);
	assert_int_equal(http_files_get(&w.files, "a", LATER, &old), 0);
	/* Replaced as editors do it: a new file under the old name. */
	memset(large, 'n', sizeof(large));
	temp_dir_write(&w.dir, "b", large, sizeof(large), -1);
	snprintf(from, sizeof(from), "%s", temp_dir_path(&w.dir, "b"));
	assert_int_equal(rename(from, temp_dir_path(&w.dir, "a")), 0);
	assert_int_equal(http_files_get(&w.files, "a", LATER + 1, &new), 0);
	assert_ptr_not_equal(old, new);
	assert_int_equal(http_file_read(old, &iov, 1, 0), 0);
	assert_int_equal(byte, 'o');
	assert_int_equal(http_file_read(new, &iov, 1, 0), 0);
	assert_int_equal(byte, 'n');
	http_files_put(&w.files, old);
	assert_int_equal(old->fd, -1);
	http_files_put(&w.files, new);
	world_stop(&w);
}

static void
the_least_used_entry_makes_room_and_entries_in_use_do_not(void **state)
{
	static const char *const names[] = { "a", "b", "c", "d", "e" };
	struct http_file *held[4], *file;
	struct world w;

	(void)state;
	world_start(&w, 4);
	for (unsigned int i = 0; i < 5; i++)
		temp_dir_write(&w.dir, names[i], names[i], 1, -1);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(http_files_get(&w.files, names[i], LATER, &held[i]), 0);
	assert_int_equal(http_files_get(&w.files, "e", LATER, &file), -ENFILE);
	http_files_put(&w.files, held[2]);
	assert_contents(&w, "e", LATER, "e");
	assert_int_equal(http_files_get(&w.files, "c", LATER, &file), 0);
	assert_int_equal(file->data[0], 'c');
	http_files_put(&w.files, file);
	for (unsigned int i = 0; i < 4; i++)
		if (i != 2)
			http_files_put(&w.files, held[i]);
	/* "c" was used last, "a" first. */
	assert_contents(&w, "e", LATER, "e");
	assert_string_equal(held[0]->name, "e");
	world_stop(&w);
}

static void
a_file_that_may_not_be_read_is_forbidden(void **state)
{
	struct world w;
	struct http_file *file;

	bool root = geteuid() == 0;
	int err;

	(void)state;
	world_start(&w, 4);
	temp_dir_write(&w.dir, "a", "a", 1, -1);
	assert_int_equal(chmod(w.dir.path, 0755), 0);
	assert_int_equal(chmod(temp_dir_path(&w.dir, "a"), 0), 0);
	/* The superuser may read everything: be nobody for a moment. */
	if (root)
		assert_int_equal(seteuid(65534), 0);
	err = http_files_get(&w.files, "a", LATER, &file);
	if (root)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(err, -EACCES);
	world_stop(&w);
}

static void
an_empty_file_is_a_file(void **state)
{
	struct world w;

	(void)state;
	world_start(&w, 4);
	temp_dir_write(&w.dir, "empty", "", 0, -1);
	assert_contents(&w, "empty", LATER, "");
	world_stop(&w);
}

static void
without_a_directory_nothing_is_found(void **state)
{
	struct temp_dir dir;
	struct http_files files;
	struct http_file *file;

	(void)state;
	assert_int_equal(http_files_init(&files, NULL, 4), 0);
	assert_int_equal(http_files_get(&files, "a", LATER, &file), -ENOENT);
	http_files_destroy(&files);
	assert_int_equal(http_files_init(&files, "/nonexistent", 4), -ENOENT);
	temp_dir_create(&dir);
	temp_dir_write(&dir, "a", "a", 1, -1);
	assert_int_equal(http_files_init(&files, temp_dir_path(&dir, "a"), 4), -ENOTDIR);
	temp_dir_remove(&dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_small_file_is_in_memory_and_a_large_one_is_read),
		cmocka_unit_test(what_is_no_regular_file_inside_is_not_served),
		cmocka_unit_test(a_name_longer_than_the_file_system_allows_is_not_found),
		cmocka_unit_test(within_one_second_the_file_system_is_asked_once),
		cmocka_unit_test(a_change_without_new_times_is_noticed_while_the_file_is_young),
		cmocka_unit_test(a_transfer_keeps_the_file_it_began_with),
		cmocka_unit_test(the_least_used_entry_makes_room_and_entries_in_use_do_not),
		cmocka_unit_test(a_file_that_may_not_be_read_is_forbidden),
		cmocka_unit_test(an_empty_file_is_a_file),
		cmocka_unit_test(without_a_directory_nothing_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
