/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page is one file: styles, scripts, D3 and its licence are in it (report/assemble.py), the report's JSON
 * between. No
 * "<" of the data stays as it is, so no name of the image can end the element that holds it; the scripts put
 * it on the page as
 * text; and the page's policy names the two scripts that may run.
 */
#include <string.h>

#include "report.h"
#include "report_page.h"

static void write_data(const char *json, size_t len, FILE *out)
{
	for (size_t i = 0; i < len; i++) {
		switch (json[i]) {
		case '<':
		case '>':
		case '&':
			fprintf(out, "\\u%04x", (unsigned int)json[i]);
			break;
		default:
			putc(json[i], out);
		}
	}
}

int report_print_html(const struct report *report, FILE *out)
{
	cleanup_free char *json = NULL;
	size_t len = 0;
	FILE *memory = peel_text_stream(&json, &len);
	int status;

	if (!memory) {
		complain("%s", peel_strerror(PEEL_ENOMEM));
		return STATUS_ERROR;
	}
	status = report_print_json(report, memory);
	if (fclose(memory) != 0) {
		complain("%s", peel_strerror(PEEL_ENOMEM));
		return STATUS_ERROR;
	}
	fwrite(report_page_head, 1, sizeof(report_page_head), out);
	write_data(json, len, out);
	fwrite(report_page_tail, 1, sizeof(report_page_tail), out);
	return status;
}
