/* SPDX-License-Identifier: Apache-2.0 */
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <peel/sandbox.h>
#include <peel/text.h>

#include "errors.h"
#include "loop.h"
#include "ops.h"
#include "scope.h"

/**
 * Replies up to this many bytes come from the heap and stay there: mapping anew costs page faults.
 */
#define HEAP_REPLY_MAX (4 * 1024 * 1024)
/** Longest complaint of libfuse and fusermount3 that is kept. */
#define COMPLAINT_SIZE 512
/** Room for what is added to one. */
#define ADVICE_SIZE 128

struct session {
	struct peel_index *index;
	const struct peel_mount_options *options;
	struct fuse_session *fuse;
	struct ops ops;
	struct loop loop;
	bool view_ready;
	bool mounted;
};

/*
 * libfuse and fusermount3 write to standard error. It points to a file in memory while they mount.
 */
struct capture {
	int file;
	int saved;
};

static int capture_start(struct capture *capture, struct peel_error *err)
{
	cleanup_fd int file = memfd_create("stderr", MFD_CLOEXEC);
	cleanup_fd int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);

	if (file < 0 || saved < 0 || dup2(file, STDERR_FILENO) < 0) {
		return peel_fail(err, PEEL_EIO, "cannot redirect standard error: %s",
			strerror(errno));
	}
	capture->file = steal_fd(&file);
	capture->saved = steal_fd(&saved);
	return 0;
}

/* Put standard error back and give the last complaint, escaped; "" where there was none. */
static void capture_end(struct capture *capture, char *ret_text, size_t size)
{
	char raw[COMPLAINT_SIZE];
	ssize_t len;
	const char *line;

	dup2(capture->saved, STDERR_FILENO);
	close(capture->saved);
	len = pread(capture->file, raw, sizeof(raw), 0);
	close(capture->file);
	while (len > 0 && raw[len - 1] == '\n') {
		len--;
	}
	if (len <= 0) {
		ret_text[0] = '\0';
		return;
	}
	line = memrchr(raw, '\n', (size_t)len);
	line = line ? line + 1 : raw;
	peel_text_escape_into(ret_text, size, line, (size_t)(raw + len - line));
}

int session_open_device(struct peel_error *err)
{
	int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (device >= 0) {
		return device;
	}
	if (errno == ENOENT || errno == ENODEV || errno == ENXIO) {
		return peel_fail(err, PEEL_EUNSUPPORTED,
			"/dev/fuse: no such device (is the fuse module loaded?)");
	}
	return peel_fail(err, errors_from_errno(errno), "/dev/fuse: %s", strerror(errno));
}

const char *session_name(const struct peel_index *index, const struct peel_mount_options *options)
{
	const char *name = options->fsname ? options->fsname : peel_image_value(index, "reference");

	return name[0] ? name : "peel";
}

/* Add "-o", and the words; a comma or backslash in the name must not end the option. */
static int build_arguments(struct fuse_args *args, const struct peel_mount_options *options,
	const char *fsname)
{
	cleanup_free char *shown = NULL;
	cleanup_free char *named = NULL;
	char *text = NULL;
	int r = 0;

	/* /proc/mounts is printed raw by many: it escapes blanks and newlines alone. */
	if (peel_text_escape(fsname, strlen(fsname), &shown) < 0 ||
		asprintf(&named, "fsname=%s", shown) < 0) {
		named = NULL;
		return -1;
	}
	r |= fuse_opt_add_opt(&text, "ro,nosuid,nodev,subtype=peel");
	r |= fuse_opt_add_opt_escaped(&text, named);
	if (options->allow_other) {
		r |= fuse_opt_add_opt(&text, "allow_other");
	}
	if (options->allow_other || options->default_permissions) {
		r |= fuse_opt_add_opt(&text, "default_permissions");
	}
	if (options->debug) {
		r |= fuse_opt_add_opt(&text, "debug");
	}
	if (options->kernel_options) {
		r |= fuse_opt_add_opt(&text, options->kernel_options);
	}
	if (r == 0) {
		r = fuse_opt_add_arg(args, "peel") | fuse_opt_add_arg(args, "-o") |
			fuse_opt_add_arg(args, text);
	}
	free(text);
	return r;
}

/* What fusermount3 does not say: whose name it asks for, and who needs none. "" of all other complaints. */
static const char *advise(char *buf, const char *complaint)
{
	buf[0] = '\0';
	if (strstr(complaint, "could not determine username")) {
		snprintf(buf, ADVICE_SIZE,
			" (user %u has no name in /etc/passwd; root and 'peel run' need none)",
			getuid());
	}
	return buf;
}

static int mount_fuse(struct session *session, const char *mount_point,
	const struct peel_mount_options *options, struct peel_error *err)
{
	const char *fsname = session_name(session->index, options);
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	struct capture capture = {-1, -1};
	char complaint[COMPLAINT_SIZE];
	char advice[ADVICE_SIZE];
	int r;

	if (build_arguments(&args, options, fsname) != 0) {
		fuse_opt_free_args(&args);
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	r = capture_start(&capture, err);
	if (r < 0) {
		fuse_opt_free_args(&args);
		return r;
	}
	session->fuse = fuse_session_new(&args, &ops_table, sizeof(ops_table), &session->ops);
	session->mounted = session->fuse && fuse_session_mount(session->fuse, mount_point) == 0;
	capture_end(&capture, complaint, sizeof(complaint));
	fuse_opt_free_args(&args);
	if (!session->mounted) {
		return peel_fail(err,
			strstr(complaint, "ermission") || strstr(complaint, "allowed") ? PEEL_EACCES
										       : PEEL_EIO,
			"cannot mount: %s%s",
			complaint[0] ? complaint : "the mount was refused without a reason",
			advise(advice, complaint));
	}
	return 0;
}

int session_mount(struct peel_index *index, const char *mount_point,
	const struct peel_mount_options *options, struct session **ret_session,
	struct peel_error *err)
{
	struct session *session = calloc(1, sizeof(*session));
	int r;

	if (!session) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	mallopt(M_MMAP_THRESHOLD, HEAP_REPLY_MAX);
	session->index = index;
	session->options = options;
	r = mount_fuse(session, mount_point, options, err);
	if (r < 0) {
		session_close(session);
		return r;
	}
	*ret_session = session;
	return 0;
}

/*
 * What is needed from here on is open: the device, the index, the image file; the blobs of a layout and a spool
 * are opened later. Not the right to unmount: the supervisor has it; nor what whoever mounts in the foreground
 * left open.
 */
static int confine(const struct session *session, struct peel_error *err)
{
	int readable;
	int spill;
	struct peel_sandbox keep = {.readable = &readable, .spill = &spill};

	peel_index_folders(session->index, &readable, &spill);
	keep.readable_count = readable >= 0;
	keep.spill_count = spill >= 0;
	peel_sandbox_close_inherited();
	return peel_sandbox_enter(&keep, err);
}

int session_begin(struct session *session, struct peel_error *err)
{
	int r = session->options->sandbox ? confine(session, err) : 0;

	if (r >= 0) {
		r = view_init(&session->ops.view, session->index, session->options, err);
		session->view_ready = r == 0;
	}
	return r;
}

int session_serve(struct session *session)
{
	int r;

	ahead_start(&session->ops.ahead, &session->ops.view, session->fuse);
	r = loop_run(&session->loop, session->fuse, &session->ops.work, &session->ops.ahead);
	if (r <= 0) {
		ahead_finish(&session->ops.ahead);
	}
	return r;
}

void session_close(struct session *session)
{
	if (!session) {
		return;
	}
	if (session->fuse) {
		fuse_session_destroy(session->fuse);
	}
	if (session->view_ready) {
		view_finish(&session->ops.view);
	}
	free(session->ops.reply);
	free(session);
}
