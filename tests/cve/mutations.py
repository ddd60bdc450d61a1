# SPDX-License-Identifier: Apache-2.0
"""How each defence is taken out: by case, exact pieces of source (path, old, new). Each old text stands in its file once.

Where one piece would not do, because another defence stands behind it, all of them go: what remains must be what the others had.
"""
# Cases that are named tests of other suites: a command line of a shell in the source folder, where $PEEL_BUILD is the build.
ELSEWHERE = {
    "system_calls": '"$PEEL_BUILD/tests/test_sandbox"',
}
# What is built beside the command for those.
TARGETS = {"system_calls": ["tests/test_sandbox"]}

TWICE = ("index/image_find.c", "\t\tif (!same) {\n", "\t\tif (false) {\n")
TEXT_COUNT = ("index/json.c", "\tif (count_text(json) != text) {\n", "\tif (false) {\n")
FLAGS = "JSON_REJECT_DUPLICATES | JSON_DECODE_ANY"

MUTATIONS = {
    "root_symlink": [("index/tree_add.c", "row->type = row->entry->type == SCAN_DIR ? 'd' : '?';", "row->type = (char)row->entry->type;")],
    "cp_through_symlink": [("tools/put.c", "fd = openat(put->current, name, FOLDER_FLAGS | O_NOFOLLOW);",
                            "fd = openat(put->current, name, FOLDER_FLAGS);")],
    "zip_slip": [("index/path.c", 'if (is_name(path + start, part, "..")) {', "if (false) {")],
    "breakout": [("index/tree_follow.c", "\tif (code <= 0) {\n\t\treturn code;\n\t}\n\tlink = sqlite3", "\tif (code <= 0 || true) {\n"
                  "\t\treturn 0;\n\t}\n\tlink = sqlite3")],
    "link_walk": [("index/query_path.c", "if (r == 0 && parent != 0) {", "if (r == 0) {")],
    "tarmageddon": [("index/scan_entry.c", "scanner->data_len = (uint64_t)merged->size;", "scanner->data_len = (uint64_t)stored;")],
    "pax_size_of_extension": [("index/scan_group.c", "\tsize_t padding = (size_t)tar_padding((uint64_t)size);\n\tssize_t got;\n",
                               "\tconst struct tar_text *told = scanner->has_pax ? scan_record(scanner, TAR_PAX_SIZE) : NULL;\n"
                               "\tif (told) {\n\t\t(void)tar_pax_number(told, &size);\n\t}\n"
                               "\tsize_t padding = (size_t)tar_padding((uint64_t)size);\n\tssize_t got;\n")],
    "duplicate_manifest": [TWICE],
    "duplicate_layer": [TWICE],
    "duplicate_key": [("index/json.c", FLAGS, "JSON_DECODE_ANY"), TEXT_COUNT],
    "key_in_two_cases": [("index/json.c", "\tif (!free_map) {\n\t\tr = check_keys(", "\tif (false) {\n\t\tr = check_keys(")],
    "trailing_json": [("index/json.c", FLAGS, FLAGS + " | JSON_DISABLE_EOF_CHECK"), TEXT_COUNT],
    "hybrid": [("index/image_probe.c", "\t\tif (!twin) {\n", "\t\tif (!twin) {\n\t\t\tcontinue;\n\t\t}\n\t\tif (false) {\n")],
    "index_past_the_end": [("index/query_read.c", "return is_range(data, len) && data + len <= index->layers[file->layer].stat.tar_size;",
                            "return true;"),
                           ("index/source.c", "len = (size_t)min_u64(len, source->size - offset);\n\treturn source_read_at(slice->inner, "
                            "slice->offset", "return source_read_at(slice->inner, slice->offset"),
                           ("index/source.c", "struct slice_source *slice = (struct slice_source *)source;\n\n\tif (offset >= "
                            "source->size) {", "struct slice_source *slice = (struct slice_source *)source;\n\n\tif (false) {")],
    "long_names_in_an_index": [("index/query_layer.c", "if (len > PEEL_NAME_MAX - prefix_len || (len == 0 && type != 'o')) {", "if (false) {")],
    "sparse_of_libarchive": [("index/scan_archive.c", "if (archive_entry_sparse_count(read) == 0) {", "if (false) {")],
    "system_calls": [("index/sandbox_filter.c", "kept & SANDBOX_INSTRUMENTS ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EPERM)", "SCMP_ACT_ALLOW")],
    "caged": [("index/index.c", "opening.caged = opening.options->sandbox &&", "opening.caged = false &&")],
    "gzip_bomb": [("index/limit.c", "return limits_check(watch, PEEL_LIMIT_RATIO, all_out / max_u64(all_in, 1), err);", "return 0;")],
    "decoded_bytes": [("index/limit.c", "code = limits_check(watch, PEEL_LIMIT_TOTAL_BYTES, all_out, err);", "code = 0;")],
    "zstd_window": [("index/limit.c", "while (UINT64_C(1) << log > part) {", "while (false) {"),
                    ("index/limit.c", "unsigned int log = WINDOW_LOG_MAX;", "unsigned int log = 31;")],
    "entry_bomb": [("index/layer_crew_read.c", "int code = limits_count(crew->options.limits, PEEL_LIMIT_ENTRIES, count, err);", "int code = 0;"),
                   ("index/tree_add.c", "code = limits_count(tree->limits, PEEL_LIMIT_ENTRIES, tree_count(tree) + 1, err);", "code = 0;"),
                   ("index/tree.c", "return limits_check(tree->limits, PEEL_LIMIT_ENTRIES, tree_count(tree), err);", "return 0;"),
                   ("index/image_outer.c", "int r = limits_count(walk->watch.limits, PEEL_LIMIT_ENTRIES, ++walk->count, err);", "int r = 0;")],
    "deep_tree": [("index/scan.c", "return limits_check(limits, PEEL_LIMIT_DEPTH, depth, err);", "return 0;")],
    "sparse_map_pax": [("index/tar_sparse.c", "\t\tint code = limits_check(sparse->limits, PEEL_LIMIT_SPARSE_EXTENTS, (uint64_t)value,\n"
                        "\t\t\terr);\n", "\t\tint code = 0;\n")],
    "sparse_map_gnu": [("index/tar_sparse.c", "int code = limits_check(sparse->limits, PEEL_LIMIT_SPARSE_EXTENTS, sparse->count + 1, err);",
                        "int code = 0;")],
    "sparse_overlap": [("index/tar_sparse.c", "if (extent.offset < position) {", "if (false) {"),
                       ("index/tar_sparse.c", "if (position > size) {", "if (false) {")],
    "json_size": [("index/image_find.c", "if (limits_check(&image->limits, PEEL_LIMIT_JSON_SIZE, place->size, err) < 0) {", "if (false) {"),
                  ("index/json.c", "if (limits_check(limits, PEEL_LIMIT_JSON_SIZE, len, err) < 0) {", "if (false) {")],
    "json_depth": [("index/json.c", "if (depth > depth_max) {", "if (false) {"),
                   ("index/json.c", "return limits_check(limits, PEEL_LIMIT_JSON_DEPTH, (uint64_t)deepest, err);", "return 0;")],
    "manifest_and_index": [("index/image_oci.c", '(has_list(json, "layers") && has_list(json, "manifests"))', "false"),
                           ("index/image_oci.c", '\tif (has_list(manifest, "manifests") ||\n', "\tif (\n")],
    "digest_path": [("index/image_find.c", "if (!digest_valid(digest)) {", "if (false) {")],
    "lying_size": [("index/image_find.c", "if (json_is_integer(size) &&", "if (false && json_is_integer(size) &&")],
    "lying_digest": [("index/image_find.c", "if (strcmp(found, digest) != 0) {", "if (false) {")],
    "uid_becomes_root": [("index/tree_add.c", "{entry->uid < 0 || entry->uid > OWNER_MAX || entry->gid < 0 ||\n\t\t\t\tentry->gid > OWNER_MAX,",
                          "{false,")],
    "setuid_and_devices": [("fs/session.c", '"ro,nosuid,nodev,subtype=peel"', '"ro,suid,dev,subtype=peel"')],
    "absolute_symlink": [("index/query_link.c", "if (target.absolute || target.ups || target.tail) {", "if (false) {")],
    "allow_other": [("fs/session.c", "if (options->allow_other || options->default_permissions) {", "if (options->default_permissions) {")],
    "readdir_names": [("index/tree_row.c", "row->name_len > PEEL_NAME_MAX ? ENTRY_UNSHOWABLE : 0", "0"),
                      ("index/query_list.c", "if (!query_name_valid(entry.name, entry.name_len)) {", "if (false) {")],
    "terminal": [("index/text.c", "!is_control(character) && !is_command(text, len, pos)", "!is_command(text, len, pos)")],
    "log_commands": [("index/text.c", "!is_control(character) && !is_command(text, len, pos)", "!is_control(character)")],
    "sql_in_names": [("index/query_list.c", "\tr = store_get(q->store, merged_name, &stmt, q->err);\n\tif (r < 0) {\n\t\treturn r;\n\t}\n",
                      "\tconst char *at = strstr(merged_name, \"?2\");\n"
                      "\tchar *made = sqlite3_mprintf(\"%.*sCAST('%.*s' AS BLOB)%s\", (int)(at - merged_name), merged_name, (int)len,\n"
                      "\t\t(const char *)name, at + 2);\n"
                      "\tr = sqlite3_prepare_v2(store_db(q->store), made, -1, &stmt, NULL) != SQLITE_OK ? PEEL_EIO : 0;\n"
                      "\tif (r < 0) {\n\t\treturn r;\n\t}\n")],
    "sql_of_users": [("index/query_sql.c", "\tsqlite3_set_authorizer(db, judge, &run);\n", "\t(void)judge;\n")],
    "cache_of_others": [("index/index_cache.c", "\tif (st.st_mode & 022) {\n\t\treturn refuse(", "\tif (false) {\n\t\treturn refuse("),
                        ("index/index_cache.c", "\tif (st.st_mode & 022) {\n\t\treturn peel_fail(", "\tif (false) {\n\t\treturn peel_fail(")],
    "cached_schema": [("index/store_schema.c", "\t\tif (!made) {\n\t\t\tbreak;\n", "\t\tif (!made) {\n\t\t\tcode = 0;\n\t\t\tcontinue;\n")],
    "image_replaced": [("index/index_find.c", 'if (strcmp(peel_image_value(index, "identity"), opening->identity) != 0 ||', "if (")],
    "image_changes": [("index/source.c", "if (!source_same_file(&now, &file->identity)) {", "if (false) {")],
    "damaged_index": [("index/index_cache_judge.c", "\tif (how != CACHE_JUDGE_USE) {\n\t\tcode = store_check_seal(fd, err);\n\t}\n", "")],
    "killed_indexer": [("index/index_cache.c", "temp.fd = temp.folder >= 0 ? openat(temp.folder, \".\", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)\n"
                        "\t\t\t\t   : -1;", "temp.fd = -1;"),
                       ("index/index_cache.c", 'CACHE_TEMP_PREFIX "%016llx", random);', '"%016llx%016llx%08llx.peel", random, random, random & 0xffffffff);')],
    "full_disk": [("index/tempfile.c", "errno = put < 0 ? errno : ENOSPC;\n\t\t\tbreak;", "return len;")],
    "crowd": [("index/index_cache.c", "for (int i = 0; i < TEMP_TRIES && errno == EEXIST && choose_name(temp->temp); i++) {\n"
               "\t\tif (linkat(", "for (int i = 0; false; i++) {\n\t\tif (linkat(")],
    "dead_mount": [("fs/supervisor.c", "mountinfo_detach_dead(supervisor->path, supervisor->dev, NULL) == 0) {", "true) {")],
    "foreign_mount_point": [("fs/mount.c", 'if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {', "if (false) {")],
    "secrets": [("index/index_cache.c", 'openat(temp.folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)',
                 'openat(temp.folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0644)')],
}
