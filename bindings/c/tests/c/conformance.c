/* Walks tests/conformance through the C interface: conformance CASES EMPTY_FOLDER. tests/conformance/README.md
 * describes the cases. Stories about a scripted agency are told through Rust; IDSE_HAND is the program that writes the
 * agency's table for the others. */
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
    idse_json *report = call("validate", format("{\"root\": %s, \"project\": \"shop\", \"session\": \"checkout\", \"stages\": [%s]}",
                                                quoted(root), stage ? quoted(stage) : ""));
    for (size_t i = 0; i < idse_json_length(report, "/diagnostics"); i++) {
        char *at = format("/diagnostics/%zu", i), *path = text_at(report, format("%s/path", at)), *place = "-";
        char *inside = strstr(path, "sessions/checkout/");
        if (text_at(report, format("%s/span", at)))
            place = format("%s:%s-%s:%s", text_at(report, format("%s/span/start/line", at)), text_at(report, format("%s/span/start/column", at)),
                           text_at(report, format("%s/span/end/line", at)), text_at(report, format("%s/span/end/column", at)));
        found = format("%s%s %s %s %s\n", found, text_at(report, format("%s/code", at)), text_at(report, format("%s/severity", at)),
                       inside ? inside + 18 : path, place);
    }
    expect(name, "findings", wanted, *found ? found : "none\n");
    cases++;
}

/* Compares the fields that a step names with what a report says, stage by stage where they are objects. */
static void compare(const char *name, const idse_json *step, const char *at, const idse_json *report)
{
    for (size_t i = 0; i < idse_json_length(step, at); i++) {
        char *key = take(idse_json_key(step, at, i)), *wanted = text_at(step, format("%s/%s", at, key)), *got;
        if (strstr(" do at project session remote files ", format(" %s ", key)))
            continue;
        else if (strcmp(key, "moved") == 0)
            got = stages(report, "/steps", moves, "action");
        else if (strcmp(key, "diffs") == 0)
            got = stages(report, "/stages", every, "diff");
        else if (strcmp(key, "open") == 0 && !text_at(report, "/open"))
            got = stages(report, "/stages", is_set, "conflict");
        else if ((strcmp(key, "push") == 0 || strcmp(key, "pull") == 0) && wanted[0] == '[')
            got = stages(report, "/stages", is_true, key);
        else if (strcmp(key, "note") == 0)
            got = strstr(text_at(report, "/notes"), wanted) ? wanted : "another note";
        else if (wanted && wanted[0] == '{')
            by_stage(report, key, step, format("%s/%s", at, key), &wanted, &got);
        else
            got = text_at(report, format("/%s", key));
        expect(name, key, wanted, got);
    }
}

static void story(const char *folder, const char *name)
{
    idse_json *story = document(slurp(format("%s/%s", folder, name)));
    char *shown = text_at(story, "");
    if (idse_json_length(story, "/agency") || strstr(shown, "\\u0000") || (!getenv("IDSE_HAND") && needs_hand(shown))) {
        skipped++;
        return;
    }
    for (size_t i = 0; i < idse_json_length(story, "/steps"); i++) {
        char *where = format("%s, step %zu", name, i + 1), *error = NULL;
        idse_json *step = document(text_at(story, format("/steps/%zu", i))), *report = tell(name, step, &error);
        char *wanted = text_at(step, "/expect/error");
        if (wanted && error && !strchr(wanted, '/'))
            *strchr(error, '/') = 0;
        expect(where, "error", wanted, error);
        if (!error && report)
            compare(where, step, strcmp(text_at(step, "/do"), "check") == 0 ? "" : "/expect", report);
    }
    cases++;
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
    if (argc != 3)
        return 2;
    char folder[PATH_MAX];
    work = realpath(argv[2], folder);
    errors(argv[1]);
    each(format("%s/merge", argv[1]), merge);
    each(format("%s/validate", argv[1]), validate);
    each(format("%s/sync", argv[1]), story);
    printf("%d cases through C, %d skipped, %d failures\n", cases, skipped, failures);
    release();
    return failures || cases < (getenv("IDSE_HAND") ? 500 : 380);
}
