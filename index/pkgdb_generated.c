/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What maintainer scripts are known to make: caches and registers that no list has, each with the packages that make
 * it; the first that is installed owns it. The system's own databases are among them. Caches that only grow and could
 * be deleted (apt's lists and archives, dnf's, apk's) are not: they are nobody's, and show as such.
 */
#include <fnmatch.h>
#include <string.h>
#include <sys/stat.h>

#include <peel/error.h>

#include "pkgdb_walk.h"
#include "util.h"

/* Most packages that a row names. */
#define MAKERS 4

/* A path from the root: "*" stands for anything within a name, a last "**" for all files below. */
static const struct row {
	const char *pattern;
	const char *makers[MAKERS];
} rows[] = {
	{"boot/initrd.img-*", {"initramfs-tools-core", "initramfs-tools", "dracut"}},
	{"boot/initramfs-*.img", {"dracut", "mkinitfs"}},
	{"boot/grub/grub.cfg", {"grub-common", "grub2-common"}},
	{"etc/ca-certificates.conf", {"ca-certificates"}},
	{"etc/default/locale", {"locales"}},
	{"etc/environment", {"libpam-modules"}},
	{"etc/group", {"base-passwd", "setup", "alpine-baselayout"}},
	{"etc/group-", {"passwd", "shadow-utils", "shadow"}},
	{"etc/gshadow", {"passwd", "setup", "shadow"}},
	{"etc/gshadow-", {"passwd", "shadow-utils", "shadow"}},
	{"etc/ld.so.cache", {"libc-bin", "glibc-common", "glibc"}},
	{"etc/locale.gen", {"locales"}},
	{"etc/machine-id", {"systemd"}},
	{"etc/pam.d/common-*", {"libpam-runtime"}},
	{"etc/passwd", {"base-passwd", "setup", "alpine-baselayout"}},
	{"etc/passwd-", {"passwd", "shadow-utils", "shadow"}},
	{"etc/pki/ca-trust/extracted/**", {"ca-certificates"}},
	{"etc/shadow", {"passwd", "setup", "alpine-baselayout"}},
	{"etc/shadow-", {"passwd", "shadow-utils", "shadow"}},
	{"etc/shells", {"debianutils", "setup"}},
	{"etc/ssl/certs/ca-certificates.crt", {"ca-certificates"}},
	{"etc/ssl/certs/java/cacerts", {"ca-certificates-java", "java-cacerts"}},
	{"etc/subgid", {"passwd", "shadow-utils", "shadow"}},
	{"etc/subuid", {"passwd", "shadow-utils", "shadow"}},
	{"etc/udev/hwdb.bin", {"udev", "systemd-udev", "systemd"}},
	{"etc/xml/catalog", {"xml-core", "libxml2"}},
	{"etc/sgml/catalog", {"sgml-base"}},
	{"lib/apk/db/**", {"apk-tools"}},
	{"lib/modules/*/modules.*", {"kmod"}},
	{"usr/lib/*/gconv/gconv-modules.cache", {"libc-bin"}},
	{"usr/lib/*/gdk-pixbuf-2.0/*/loaders.cache", {"libgdk-pixbuf-2.0-0", "libgdk-pixbuf2.0-0"}},
	{"usr/lib/*/gio/modules/giomodule.cache", {"libglib2.0-0", "libglib2.0-0t64"}},
	{"usr/lib/*/gtk-3.0/*/immodules.cache", {"libgtk-3-0", "libgtk-3-0t64"}},
	{"usr/lib/gio/modules/giomodule.cache", {"glib"}},
	{"usr/lib/jvm/*/lib/server/classes*.jsa",
		{"openjdk-17-jre-headless", "openjdk-21-jre-headless", "openjdk-11-jre-headless"}},
	{"usr/lib/locale/locale-archive", {"locales", "glibc-common", "glibc-locale"}},
	{"usr/lib/sysimage/rpm/**", {"rpm"}},
	{"usr/lib/udev/hwdb.bin", {"udev", "systemd-udev", "systemd"}},
	{"usr/lib64/gconv/gconv-modules.cache", {"glibc", "glibc-common"}},
	{"usr/lib64/gdk-pixbuf-2.0/*/loaders.cache", {"gdk-pixbuf2"}},
	{"usr/lib64/gio/modules/giomodule.cache", {"glib2"}},
	{"usr/share/applications/mimeinfo.cache", {"desktop-file-utils"}},
	{"usr/share/glib-2.0/schemas/gschemas.compiled",
		{"libglib2.0-0", "libglib2.0-0t64", "glib2", "glib"}},
	{"usr/share/icons/*/icon-theme.cache",
		{"gtk-update-icon-cache", "libgtk-3-bin", "gtk3-tools"}},
	{"usr/share/info/dir", {"install-info", "info", "texinfo"}},
	{"usr/share/mime/**", {"shared-mime-info"}},
	{"usr/share/perl5/XML/SAX/ParserDetails.ini", {"libxml-sax-perl"}},
	{"var/cache/debconf/**", {"debconf", "cdebconf"}},
	{"var/cache/fontconfig/**", {"fontconfig"}},
	{"var/cache/ldconfig/**", {"libc-bin", "glibc-common", "glibc"}},
	{"var/cache/man/**", {"man-db"}},
	{"var/lib/ca-certificates-java/**", {"ca-certificates-java"}},
	{"var/lib/dpkg/**", {"dpkg"}},
	{"var/lib/pam/**", {"libpam-runtime"}},
	{"var/lib/python/**", {"python3-minimal", "python3"}},
	{"var/lib/rpm/**", {"rpm"}},
	{"var/lib/shells.state", {"debianutils"}},
	{"var/lib/systemd/**", {"init-system-helpers", "systemd"}},
	{"var/lib/texmf/**", {"tex-common", "texlive-base"}},
	{"var/lib/ucf/**", {"ucf"}},
	{"var/lib/xml-core/**", {"xml-core"}},
	{"var/lib/sgml-base/**", {"sgml-base"}},
};

/* The package that a row's files belong to, and what is left of its pattern. */
struct match {
	uint32_t ticket;
	const char *pattern;
	size_t len;
	const char *rest;
};

static int expand(struct pkgdb_gather *g, uint64_t folder, const char *pattern, uint32_t ticket);

static int take_match(struct pkgdb_gather *g, void *arg, const struct pkgdb_entry *entry)
{
	const struct match *match = arg;
	char name[PEEL_NAME_MAX + 1];

	memcpy(name, match->pattern, match->len);
	name[match->len] = '\0';
	if (fnmatch(name, entry->name, FNM_PERIOD) != 0) {
		return 0;
	}
	if (*match->rest && S_ISDIR(entry->node.mode)) {
		return expand(g, entry->node.ino, match->rest, match->ticket);
	}
	return !*match->rest && S_ISREG(entry->node.mode)
		? pkgdb_claim(g, entry->node.ino, match->ticket, PEEL_CLAIM_GENERATED)
		: 0;
}

/* Claim what a pattern stands for, from a folder on; nesting is as deep as the pattern. */
static int expand(struct pkgdb_gather *g, uint64_t folder, const char *pattern, uint32_t ticket)
{
	const char *star = strchr(pattern, '*');
	size_t plain = star ? (size_t)(star - pattern) : strlen(pattern);
	struct match match = {.ticket = ticket};
	struct peel_node node = {.ino = folder, .mode = S_IFDIR};
	int r = 1;

	while (star && plain > 0 && pattern[plain - 1] != '/') {
		plain--;
	}
	if (plain > 0) {
		r = pkgdb_resolve(g, folder, pattern, star ? plain - 1 : plain, &node);
	}
	if (r <= 0) {
		return r;
	}
	if (!star) {
		return S_ISREG(node.mode) ? pkgdb_claim(g, node.ino, ticket, PEEL_CLAIM_GENERATED)
					  : 0;
	}
	if (!S_ISDIR(node.mode)) {
		return 0;
	}
	match.pattern = pattern + plain;
	if (strcmp(match.pattern, "**") == 0) {
		return pkgdb_claim_tree(g, node.ino, ticket, PEEL_CLAIM_GENERATED);
	}
	match.len = strcspn(match.pattern, "/");
	match.rest = match.pattern + match.len;
	match.rest += *match.rest == '/';
	return pkgdb_list(g, node.ino, folder, take_match, &match);
}

/* The first of a row's packages that is installed, 0: none is. */
static uint32_t find_maker(const struct pkgdb_gather *g, const struct row *row)
{
	uint32_t best[MAKERS] = {0};

	for (size_t i = 0; i < g->roster.count; i++) {
		const struct pkgdb_row *package = &g->roster.rows[i];
		const uint32_t ticket = (uint32_t)i + 1;

		for (size_t j = 0; j < MAKERS && row->makers[j] &&
			package->rank == PKGDB_RANK_SYSTEM && !package->inner;
			j++) {
			if (strcmp(package->record.name, row->makers[j]) == 0 &&
				(!best[j] || pkgdb_roster_before(&g->roster, ticket, best[j]))) {
				best[j] = ticket;
			}
		}
	}
	for (size_t j = 0; j < MAKERS; j++) {
		if (best[j]) {
			return best[j];
		}
	}
	return 0;
}

int pkgdb_generated(struct pkgdb_gather *g)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < countof(rows); i++) {
		const uint32_t maker = find_maker(g, &rows[i]);

		if (maker) {
			r = expand(g, peel_root(PEEL_VIEW_MERGED), rows[i].pattern, maker);
		}
	}
	return r;
}
