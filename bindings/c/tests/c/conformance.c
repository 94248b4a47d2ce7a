/* Walks tests/conformance through the C interface: conformance CASES EMPTY_FOLDER. Without arguments it serves the sync
 * stories, which the program `tell` tells. tests/conformance/README.md describes the cases. */
#define _GNU_SOURCE
#include "conformance.h"

static int cases, failures, skipped;

static void expect(const char *name, const char *what, const char *wanted, const char *got)
{
    if (strcmp(wanted ? wanted : "(nothing)", got ? got : "(nothing)") == 0)
        return;
    failures++;
    fprintf(stderr, "%s: %s: expected %s, got %s\n", name, what, wanted ? wanted : "(nothing)", got ? got : "(nothing)");
}

static void merge(const char *folder, const char *name)
{
    char *clean = slurp(format("%s/%s/expected.md", folder, name)), *marked = slurp(format("%s/%s/conflict.md", folder, name));
    bool is_clean = false;
    char *text = NULL;
    idse_merge_text(slurp(format("%s/%s/base.md", folder, name)), slurp(format("%s/%s/local.md", folder, name)),
                    slurp(format("%s/%s/remote.md", folder, name)), &is_clean, &text, NULL);
    expect(name, "clean", clean ? "yes" : "no", is_clean ? "yes" : "no");
    expect(name, "text", clean ? clean : marked, take(text));
    cases++;
}

static void validate(const char *folder, const char *name)
{
    char *source = slurp(format("%s/%s", folder, name)), *wanted = NULL, *found = keep(strdup(""));
    char *root = format("%s/%s", work, name), *session = format("%s/.idse/projects/shop/sessions/checkout", root);
    idse_json *header = NULL;
    for (char *part = strstr(source, "\n=== "), *next; part; part = next) {
        char *section = part + 5, *text = strchr(section, '\n') + 1;
        next = strstr(text - 1, "\n=== ");
        if (next)
            next[0] = 0;
        text[-1] = 0;
        char *body = text > section && next ? format("%s\n", text) : text;
        if (next == text - 1)
            body = "";
        if (strcmp(section, "case") == 0)
            header = document(body);
        else if (strcmp(section, "expect") == 0)
            wanted = body;
        else
            spill(format("%s/%s", session, section), replaced(header, body));
    }
    if (idse_json_is_true(header, "/memory") || strstr(text_at(header, ""), "\\u0000")) {
        skipped++; /* what a loader says, or a NUL, which no C text can hold */
        return;
    }
    spill(format("%s/.idse/projects/shop/CURRENT_SESSION", root), "checkout\n");
    char *stage = text_at(header, "/stage"), *config = text_at(header, "/config");
    if (config)
        spill(format("%s/.idseconfig.json", root), format("{\"validate\": %s}", config));
    if (stage)
        spill(format("%s/metadata/session_state.json", session),
              format("{\"session_id\": \"checkout\", \"stages\": {\"%s\": \"%s\"}}", stage, text_at(header, "/status")));
    static const char *const SEVERITIES[] = {"", "info", "warning", "error"};
    idse_workspace *workspace = NULL;
    idse_report *report = NULL;
    idse_diagnostic d;
    if (idse_workspace_open(root, &workspace, NULL) != IDSE_STATUS_OK ||
        idse_validate(workspace, NULL, "shop", "checkout", stage, &report, NULL) != IDSE_STATUS_OK)
        exit(2);
    for (size_t i = 0; idse_report_at(report, i, &d); i++) {
        const char *inside = strstr(d.path, "sessions/checkout/");
        char *place = d.line ? format("%u:%u-%u:%u", (unsigned)d.line, (unsigned)d.column, (unsigned)d.end_line, (unsigned)d.end_column) : "-";
        found = format("%s%s %s %s %s\n", found, d.code, SEVERITIES[d.severity], inside ? inside + 18 : d.path, place);
    }
    idse_report_free(report);
    idse_workspace_free(workspace);
    expect(name, "findings", wanted, *found ? found : "none\n");
    cases++;
}

/* Does the calls that the teller of the stories asks for: a line each, the verb, a tab, the arguments. */
static int serve(void)
{
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, stdin) > 0) {
        char *arguments = strchr(line, '\t'), *text = NULL;
        if (!arguments)
            return 2;
        *arguments++ = 0;
        idse_json *answer = NULL;
        idse_error *error = NULL;
        if (idse_call(NULL, NULL, line, arguments, &answer, &error) == IDSE_STATUS_OK)
            text = idse_json_text(answer, "");
        puts(text ? text : idse_error_json(error));
        fflush(stdout);
        idse_string_free(text);
        idse_json_free(answer);
        idse_error_free(error);
    }
    free(line);
    return 0;
}

static void errors(const char *folder)
{
    char *line = strchr(slurp(format("%s/errors.tsv", folder)), '\n') + 1, kind[32], temporary[4], rest[64];
    for (int code, http, exit; sscanf(line, "%31s %d %3s %*s %63s %d %d", kind, &code, temporary, rest, &http, &exit) == 6; line = strchr(line, '\n') + 1) {
        expect("errors.tsv", "kind", kind, idse_status_name(code));
        expect(kind, "temporary", temporary, idse_status_is_temporary(code) ? "yes" : "no");
        expect(kind, "exit", format("%d", exit), format("%d", idse_status_exit_code(code)));
        cases++;
    }
}

int main(int argc, char **argv)
{
    if (argc == 1)
        return serve();
    if (argc != 3)
        return 2;
    char folder[PATH_MAX];
    work = realpath(argv[2], folder);
    errors(argv[1]);
    each(format("%s/merge", argv[1]), merge);
    each(format("%s/validate", argv[1]), validate);
    printf("%d cases through C, %d skipped, %d failures\n", cases, skipped, failures);
    release();
    return failures || cases < 300;
}
