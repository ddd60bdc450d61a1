/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data never changes, so everything is arranged for the kernel to ask once and keep the answer:
 *
 *  - Entries, attributes and absent names are valid for a year. A name that is not there is
 *    answered with inode 0, which the kernel keeps, not with ENOENT, which it forgets.
 *  - open and opendir are answered with ENOSYS: the kernel then never asks again, keeps file pages
 *    and listings, and a second walk over a tree sends no request. (The library's default open
 *    would drop a file's pages.)
 *  - READDIRPLUS is forced. The kernel's choice, AUTO, costs a LOOKUP for each name that `find
 *    -size` or `ls -l` sees.
 *  - getxattr, listxattr and lseek answer ENOSYS where the image has nothing of the kind; the
 *    kernel asks once.
 *
 * Nodes are rows of the index and are never forgotten, so FORGET needs no work. Nothing here loops
 * over data but to fill one reply.
 */
#include "ops.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "errors.h"
#include "scope.h"

/** Seconds that the kernel may keep an answer. The kernel clamps what it cannot count. */
#define YEAR (365.0 * 24 * 60 * 60)
/**
 * Longest list of xattr names and longest value that the kernel takes (XATTR_LIST_MAX,
 * XATTR_SIZE_MAX).
 */
#define XATTR_MAX 65536

static struct ops *ops_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

static const struct view *view_of(fuse_req_t req)
{
	return &ops_of(req)->view;
}

static void reply_error(fuse_req_t req, int code, const struct peel_error *err)
{
	int number = errors_to_errno(code);

	if (number == EIO && !atomic_exchange(&ops_of(req)->warned, true)) {
		fuse_log(FUSE_LOG_ERR, "peel: %s\n", err->message);
	}
	fuse_reply_err(req, number);
}

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
	struct ops *ops = userdata;

	conn->want |= conn->capable &
		(FUSE_CAP_CACHE_SYMLINKS | FUSE_CAP_READDIRPLUS | FUSE_CAP_PARALLEL_DIROPS);
	conn->want &= ~(unsigned)(FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_AUTO_INVAL_DATA);
	ops->no_open = conn->capable & FUSE_CAP_NO_OPEN_SUPPORT;
	ops->no_opendir = conn->capable & FUSE_CAP_NO_OPENDIR_SUPPORT;
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param entry = {.attr_timeout = YEAR, .entry_timeout = YEAR};
	struct peel_error err = {0};
	int r;

	if (strlen(name) > PEEL_NAME_MAX) {
		fuse_reply_err(req, ENAMETOOLONG);
		return;
	}
	r = view_lookup(view_of(req), parent, name, &entry.attr, &err);
	if (r < 0 && r != PEEL_ENOENT) {
		reply_error(req, r, &err);
		return;
	}
	entry.ino = r == 0 ? entry.attr.st_ino : 0;
	fuse_reply_entry(req, &entry);
}

static void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t count)
{
	(void)ino;
	(void)count;
	fuse_reply_none(req);
}

static void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	(void)count;
	(void)forgets;
	fuse_reply_none(req);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct peel_error err = {0};
	struct stat stat;
	int r = view_stat(view_of(req), ino, &stat, &err);

	(void)fi;
	if (r < 0) {
		reply_error(req, r, &err);
		return;
	}
	fuse_reply_attr(req, &stat, YEAR);
}

static void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	cleanup_free char *target = NULL;
	struct peel_error err = {0};
	int r = view_readlink(view_of(req), ino, &target, &err);

	if (r < 0) {
		reply_error(req, r, &err);
		return;
	}
	fuse_reply_readlink(req, target);
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	if (ops_of(req)->no_open) {
		fuse_reply_err(req, ENOSYS);
		return;
	}
	fi->keep_cache = 1;
	fuse_reply_open(req, fi);
}

static void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	if (ops_of(req)->no_opendir) {
		fuse_reply_err(req, ENOSYS);
		return;
	}
	fi->keep_cache = 1;
	fi->cache_readdir = 1;
	fuse_reply_open(req, fi);
}

static size_t whole_pages(size_t size)
{
	return size / REPLY_ALIGN * REPLY_ALIGN + REPLY_ALIGN;
}

/* Room for a reply of the receiving thread; NULL where memory is exhausted. */
static char *reply_room(fuse_req_t req, size_t size)
{
	struct ops *ops = ops_of(req);

	if (!ops->reply || size > ops->reply_size) {
		free(ops->reply);
		ops->reply = aligned_alloc(REPLY_ALIGN, whole_pages(size));
		ops->reply_size = ops->reply ? size : 0;
	}
	return ops->reply;
}

/* A read that has to wait. */
struct read_job {
	struct work_job base;
	fuse_req_t req;
	fuse_ino_t ino;
	size_t size;
	off_t offset;
};

static void run_read(struct work_job *base)
{
	struct read_job *job = (struct read_job *)base;
	cleanup_free char *buf = aligned_alloc(REPLY_ALIGN, whole_pages(job->size));
	struct peel_error err = {0};
	ssize_t got;

	if (!buf) {
		fuse_reply_err(job->req, ENOMEM);
	} else {
		got = view_read(view_of(job->req), job->ino, (uint64_t)job->offset, buf, job->size,
			&err);
		if (got < 0) {
			reply_error(job->req, (int)got, &err);
		} else {
			fuse_reply_buf(job->req, buf, (size_t)got);
		}
	}
	free(job);
}

static void read_later(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset)
{
	struct read_job *job = malloc(sizeof(*job));

	if (!job) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	*job = (struct read_job){
		.base = {.run = run_read}, .req = req, .ino = ino, .size = size, .offset = offset};
	work_add(&ops_of(req)->work, &job->base);
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
	struct fuse_file_info *fi)
{
	char *buf = reply_room(req, size);
	struct ahead *ahead = &ops_of(req)->ahead;
	struct peel_error err = {0};
	size_t got;
	int r;

	(void)fi;
	if (!buf) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	r = view_read_now(view_of(req), ino, (uint64_t)offset, buf, size, &got, &err);
	if (r < 0) {
		reply_error(req, r, &err);
	} else if (r == 0) {
		read_later(req, ino, size, offset);
	} else {
		fuse_reply_buf(req, buf, got);
	}
	ahead_read(ahead, ino, (uint64_t)offset);
}

/* A reply to readdir or readdirplus while it is filled. */
struct listing_reply {
	fuse_req_t req;
	bool plus;
	char *buf;
	size_t used, size;
	/** Regular files so far. */
	unsigned files;
};

static int add_name(void *arg, const char *name, uint64_t next, const struct stat *stat)
{
	struct listing_reply *reply = arg;
	size_t room = reply->size - reply->used;
	size_t wanted;

	if (reply->plus) {
		struct fuse_entry_param entry = {
			.attr = *stat, .attr_timeout = YEAR, .entry_timeout = YEAR};
		bool dots = strcmp(name, ".") == 0 || strcmp(name, "..") == 0;

		/*
		 * Inode 0: the kernel must not make an entry of these two, they have no attributes
		 * either.
		 */
		entry.ino = dots ? 0 : stat->st_ino;
		wanted = fuse_add_direntry_plus(reply->req, reply->buf + reply->used, room, name,
			&entry, (off_t)next);
	} else {
		wanted = fuse_add_direntry(reply->req, reply->buf + reply->used, room, name, stat,
			(off_t)next);
	}
	if (wanted > room) {
		return 1;
	}
	reply->used += wanted;
	if (S_ISREG(stat->st_mode) && stat->st_size > 0) {
		ahead_listed(&ops_of(reply->req)->ahead, stat->st_ino, (uint64_t)stat->st_size,
			reply->files++ == 0);
	}
	return 0;
}

static void list(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, bool plus)
{
	char *buf = reply_room(req, size);
	struct listing_reply reply = {.req = req, .plus = plus, .buf = buf, .size = size};
	struct ahead *ahead = &ops_of(req)->ahead;
	struct peel_error err = {0};
	int r;

	if (!buf) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	r = view_list(view_of(req), ino, (uint64_t)offset, add_name, &reply, &err);
	if (r < 0) {
		reply_error(req, r, &err);
		return;
	}
	if (reply.used > 0 || !ahead_ended(ahead, req)) {
		fuse_reply_buf(req, buf, reply.used);
	}
}

static void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
	struct fuse_file_info *fi)
{
	(void)fi;
	list(req, ino, size, offset, false);
}

static void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
	struct fuse_file_info *fi)
{
	(void)fi;
	list(req, ino, size, offset, true);
}

static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct peel_error err = {0};
	struct statvfs stat;
	int r = view_statfs(view_of(req), &stat, &err);

	(void)ino;
	if (r < 0) {
		reply_error(req, r, &err);
		return;
	}
	fuse_reply_statfs(req, &stat);
}

/*
 * The auditor reads everything. Whether a file may be run is a fact of the image: `which` and `test
 * -x` ask.
 */
static void op_access(fuse_req_t req, fuse_ino_t ino, int mask)
{
	struct peel_error err = {0};
	struct peel_node node;
	int r;

	if (mask & W_OK) {
		fuse_reply_err(req, EROFS);
		return;
	}
	r = view_node(view_of(req), ino, &node, &err);
	if (r < 0) {
		reply_error(req, r, &err);
		return;
	}
	if ((mask & X_OK) && !S_ISDIR(node.mode) && !(node.mode & 0111)) {
		fuse_reply_err(req, EACCES);
		return;
	}
	fuse_reply_err(req, 0);
}

/* Answers one getxattr or listxattr: what is looked for, and what was found. */
struct xattr_reply {
	/** Name wanted; NULL: a list of all names. */
	const char *name;
	char *buf;
	size_t used, size;
	bool found, too_small;
};

static int add_xattr(void *arg, const char *name, const void *value, size_t value_len)
{
	struct xattr_reply *reply = arg;
	const void *bytes = reply->name ? value : name;
	size_t len = reply->name ? value_len : strlen(name) + 1;

	if (reply->name && strcmp(reply->name, name) != 0) {
		return 0;
	}
	reply->found = true;
	if (reply->size > 0) {
		if (len > reply->size - reply->used) {
			reply->too_small = true;
			return 1;
		}
		memcpy(reply->buf + reply->used, bytes, len);
	}
	reply->used += len;
	return reply->name ? 1 : 0;
}

static void answer_xattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	struct xattr_reply reply = {.name = name, .size = size < XATTR_MAX ? size : XATTR_MAX};
	cleanup_free char *buf = malloc(reply.size ? reply.size : 1);
	struct peel_error err = {0};
	int r;

	if (!buf) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	reply.buf = buf;
	r = view_xattrs(view_of(req), ino, add_xattr, &reply, &err);
	if (r < 0) {
		reply_error(req, r, &err);
	} else if (name && !reply.found) {
		fuse_reply_err(req, ENODATA);
	} else if (reply.too_small) {
		fuse_reply_err(req, ERANGE);
	} else if (size == 0) {
		fuse_reply_xattr(req, reply.used);
	} else {
		fuse_reply_buf(req, buf, reply.used);
	}
}

static void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	if (view_has_no_xattrs(view_of(req))) {
		fuse_reply_err(req, ENOSYS);
		return;
	}
	answer_xattr(req, ino, name, size);
}

static void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	if (view_has_no_xattrs(view_of(req))) {
		fuse_reply_err(req, ENOSYS);
		return;
	}
	answer_xattr(req, ino, NULL, size);
}

static void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence,
	struct fuse_file_info *fi)
{
	const struct view *view = view_of(req);
	struct peel_error err = {0};
	uint64_t found = 0;
	int r;

	(void)fi;
	if (!view->totals.any_sparse) {
		fuse_reply_err(req, ENOSYS);
		return;
	}
	if ((whence != SEEK_DATA && whence != SEEK_HOLE) || offset < 0) {
		fuse_reply_err(req, EINVAL);
		return;
	}
	r = view_seek(view, ino, (uint64_t)offset, whence == SEEK_HOLE, &found, &err);
	if (r == PEEL_ENOENT) {
		fuse_reply_err(req, ENXIO);
	} else if (r < 0) {
		reply_error(req, r, &err);
	} else {
		fuse_reply_lseek(req, (off_t)found);
	}
}

const struct fuse_lowlevel_ops ops_table = {
	.access = op_access,
	.forget = op_forget,
	.forget_multi = op_forget_multi,
	.getattr = op_getattr,
	.getxattr = op_getxattr,
	.init = op_init,
	.listxattr = op_listxattr,
	.lookup = op_lookup,
	.lseek = op_lseek,
	.open = op_open,
	.opendir = op_opendir,
	.read = op_read,
	.readdir = op_readdir,
	.readdirplus = op_readdirplus,
	.readlink = op_readlink,
	.statfs = op_statfs,
};
