/* What no call may be broken by: NULL everywhere, texts that are not UTF-8, JSON that is none, handles at the wrong
 * moment, threads that share. misuse WORKSPACE */
#define _POSIX_C_SOURCE 200809L
#undef NDEBUG
#include <assert.h>
#include <idse.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BAD "\xff\xfe"

/* Asserts the status of a call and what its error says, and frees it. */
static void refused(idse_status status, idse_error **made, idse_status wanted, const char *reason)
{
    idse_error *error = *made;
    if (status != wanted || !error || strcmp(idse_error_reason(error), reason) != 0) {
        fprintf(stderr, "status %d, %s\n", (int)status, error ? idse_error_json(error) : "no error");
        abort();
    }
    assert(idse_error_status(error) == wanted && strcmp(idse_error_kind(error), idse_status_name((int)wanted)) == 0);
    assert(strlen(idse_error_message(error)) > 0 && strstr(idse_error_json(error), "\"kind\":\"error\""));
    idse_error_free(error);
}

static void nothing(void)
{
    idse_string_free(NULL);
    idse_error_free(NULL);
    idse_context_free(NULL);
    idse_workspace_free(NULL);
    idse_json_free(NULL);
    idse_report_free(NULL);
    idse_overview_free(NULL);
    idse_context_cancel(NULL);
    idse_context_set_timeout(NULL, 1);
    idse_context_set_progress(NULL, NULL, NULL);
    idse_workspace_interrupt(NULL);
    assert(idse_error_status(NULL) == IDSE_STATUS_OK && !idse_error_kind(NULL) && !idse_error_reason(NULL));
    assert(!idse_error_message(NULL) && !idse_error_hint(NULL) && !idse_error_json(NULL) && !idse_error_get(NULL, NULL));
    assert(!idse_workspace_root(NULL) && !idse_report_json(NULL) && !idse_json_text(NULL, "") && !idse_json_quote(NULL));
    assert(!idse_report_length(NULL) && !idse_report_error_count(NULL) && !idse_report_at(NULL, 0, NULL));
    assert(!idse_overview_stage(NULL, 0, NULL) && !idse_overview_next(NULL) && !idse_overview_is_unsettled(NULL) && !idse_overview_json(NULL));
    assert(idse_json_number(NULL, NULL) == -1 && !idse_json_is_true(NULL, NULL) && !idse_json_length(NULL, NULL));
    assert(!idse_json_key(NULL, NULL, 0) && !idse_json_quote(BAD));
    assert(!idse_status_name(7) && !idse_status_is_temporary(-1) && idse_status_exit_code(123456) == 70);
}

static void arguments(void)
{
    idse_json *json = (idse_json *)&json;
    idse_workspace *workspace = NULL;
    idse_report *report = NULL;
    idse_overview *overview = NULL;
    idse_error *error = NULL;
    bool clean = false;
    char *text = NULL;
    assert(idse_call(NULL, NULL, NULL, NULL, NULL, NULL) == IDSE_STATUS_INVALID_ARGUMENT);
    assert(idse_call(NULL, NULL, NULL, NULL, &json, NULL) == IDSE_STATUS_INVALID_ARGUMENT && !json);
    refused(idse_call(NULL, NULL, "version", NULL, NULL, &error), &error, IDSE_STATUS_INVALID_ARGUMENT, "schema");
    refused(idse_call(NULL, NULL, BAD, NULL, &json, &error), &error, IDSE_STATUS_INVALID_ARGUMENT, "schema");
    refused(idse_call(NULL, NULL, "version", BAD, &json, &error), &error, IDSE_STATUS_INVALID_ARGUMENT, "schema");
    static const char *const WRONG[] = {"", "{", "[]", "null", "{} {}", "{\"a\": 1}", "\"text\"", "{\"a\": 1, \"a\": }"};
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++)
        refused(idse_call(NULL, NULL, "version", WRONG[i], &json, &error), &error, IDSE_STATUS_INVALID_ARGUMENT, "schema");
    refused(idse_call(NULL, NULL, "pusj", NULL, &json, &error), &error, IDSE_STATUS_INVALID_ARGUMENT, "schema");
    refused(idse_workspace_open(NULL, &workspace, &error), &error, IDSE_STATUS_INVALID_ARGUMENT, "schema");
    refused(idse_workspace_open(BAD, &workspace, &error), &error, IDSE_STATUS_INVALID_ARGUMENT, "schema");
    refused(idse_workspace_open("/no/such/folder", &workspace, &error), &error, IDSE_STATUS_NOT_FOUND, "");
    refused(idse_workspace_discover("/", NULL, &error), &error, IDSE_STATUS_INVALID_ARGUMENT, "schema");
    refused(idse_validate_text(NULL, NULL, "spce", "", &report, &error), &error, IDSE_STATUS_INVALID_ARGUMENT, "stage");
    refused(idse_validate_text(NULL, NULL, "spec", BAD, &report, &error), &error, IDSE_STATUS_INVALID_ARGUMENT, "schema");
    refused(idse_validate(NULL, NULL, NULL, NULL, "spce", &report, &error), &error, IDSE_STATUS_INVALID_ARGUMENT, "stage");
    refused(idse_validate(NULL, NULL, BAD, NULL, NULL, &report, &error), &error, IDSE_STATUS_INVALID_ARGUMENT, "schema");
    refused(idse_validate(NULL, NULL, NULL, NULL, NULL, NULL, &error), &error, IDSE_STATUS_INVALID_ARGUMENT, "schema");
    refused(idse_workspace_status(NULL, NULL, NULL, BAD, &overview, &error), &error, IDSE_STATUS_INVALID_ARGUMENT, "schema");
    refused(idse_merge_text("", "", NULL, &clean, &text, &error), &error, IDSE_STATUS_INVALID_ARGUMENT, "schema");
    refused(idse_merge_text("", "", "", NULL, &text, &error), &error, IDSE_STATUS_INVALID_ARGUMENT, "schema");
    refused(idse_json_parse("{", &json, &error), &error, IDSE_STATUS_INVALID_ARGUMENT, "schema");
    refused(idse_context_set_env(NULL, "A", "b", &error), &error, IDSE_STATUS_INVALID_ARGUMENT, "schema");
    assert(!json && !workspace && !report && !overview && !text);
}

static void documents(void)
{
    idse_json *json = NULL;
    assert(idse_json_parse("{\"a\": [1, true, null, \"x\\u0000y\"], \"b\": {\"c\": 2.5}}", &json, NULL) == IDSE_STATUS_OK);
    assert(idse_json_length(json, "/a") == 4 && idse_json_length(json, "") == 2 && idse_json_length(json, "/a/0") == 0);
    assert(idse_json_number(json, "/a/0") == 1 && idse_json_number(json, "/b/c") == -1 && idse_json_is_true(json, "/a/1"));
    assert(!idse_json_text(json, "/a/2") && !idse_json_text(json, "/nowhere") && !idse_json_text(json, BAD));
    char *text = idse_json_text(json, "/a/3"), *key = idse_json_key(json, NULL, 1);
    assert(strcmp(text, "x\xef\xbf\xbdy") == 0 && strcmp(key, "b") == 0 && !idse_json_key(json, "", 2));
    idse_string_free(text);
    idse_string_free(key);
    idse_json_free(json);
}

static void count(const idse_progress *progress, void *user)
{
    assert(strlen(progress->doing) > 0 && progress->what);
    __atomic_add_fetch((int *)user, 1, __ATOMIC_SEQ_CST);
}

static void contexts(const idse_workspace *workspace)
{
    int steps = 0;
    idse_json *json = NULL;
    idse_error *error = NULL;
    idse_report *report = NULL;
    idse_diagnostic found;
    idse_context *context = idse_context_new();
    idse_context_set_progress(context, count, &steps);
    idse_context_set_timeout(context, 60000);
    assert(idse_context_set_env(context, "IDSE_AGENT", "C", NULL) == IDSE_STATUS_OK);
    assert(idse_context_set_env(context, "IDSE_AGENT", NULL, NULL) == IDSE_STATUS_OK);
    assert(idse_call(workspace, context, "validate", NULL, &json, NULL) == IDSE_STATUS_OK && steps > 0);
    idse_json_free(json);
    assert(idse_validate_text(workspace, context, "tasks", "## Phase 1\n\n- [REQUIRES INPUT]\n", &report, NULL) == IDSE_STATUS_OK);
    assert(idse_report_length(report) == 1 && idse_report_error_count(report) == 1 && !idse_report_at(report, 1, &found));
    assert(idse_report_at(report, 0, &found) && strcmp(found.code, "IDSE101") == 0 && found.line == 3 && found.offset == 14);
    assert(found.severity == IDSE_SEVERITY_ERROR && !idse_report_at(report, 0, NULL));
    idse_report_free(report);
    idse_workspace_interrupt(workspace); /* nothing runs */
    idse_context_cancel(context);
    refused(idse_call(workspace, context, "validate", NULL, &json, &error), &error, IDSE_STATUS_CANCELLED, "");
    idse_context_free(context);
}

/* The typed answers say what the documents say. */
static void hot_path(const idse_workspace *workspace)
{
    idse_overview *overview = NULL;
    idse_report *report = NULL;
    idse_error *error = NULL;
    idse_json *json = NULL;
    idse_stage_line line;
    idse_diagnostic found;
    size_t errors = 0;
    assert(idse_workspace_status(workspace, NULL, NULL, NULL, &overview, NULL) == IDSE_STATUS_OK);
    assert(idse_validate(workspace, NULL, NULL, NULL, NULL, &report, NULL) == IDSE_STATUS_OK);
    for (size_t i = 0; i < idse_report_length(report); i++)
        assert(idse_report_at(report, i, &found) && strlen(found.path) > 0);
    for (size_t i = 0; i < 7; i++) {
        assert(idse_overview_stage(overview, i, &line) && strlen(line.stage) > 0 && strlen(line.status) > 0);
        errors += line.errors;
        idse_report *one = NULL;
        assert(idse_validate(workspace, NULL, NULL, NULL, line.stage, &one, NULL) == IDSE_STATUS_OK);
        assert(idse_report_error_count(one) == line.errors);
        idse_report_free(one);
    }
    assert(errors == idse_report_error_count(report) && !idse_overview_stage(overview, 7, &line));
    assert(strcmp(idse_overview_next(overview), "spec") == 0 && !idse_overview_is_unsettled(overview));
    char *text = idse_overview_json(overview);
    assert(idse_json_parse(text, &json, NULL) == IDSE_STATUS_OK && idse_json_length(json, "/stages") == 7);
    idse_overview_free(overview);
    refused(idse_workspace_status(workspace, NULL, "nobody", NULL, &overview, &error), &error, IDSE_STATUS_NOT_FOUND, "project");
    idse_string_free(text);
    idse_json_free(json);
    idse_report_free(report);
}

static void *validate_often(void *workspace)
{
    for (int i = 0; i < 20; i++) {
        idse_json *json = NULL;
        idse_error *error = NULL;
        idse_status status = idse_call((const idse_workspace *)workspace, NULL, "validate", NULL, &json, &error);
        assert(status == IDSE_STATUS_OK || status == IDSE_STATUS_CANCELLED);
        idse_json_free(json);
        idse_error_free(error);
    }
    return NULL;
}

static void threads(idse_workspace *workspace)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert(pthread_create(&threads[i], NULL, validate_often, workspace) == 0);
    for (int i = 0; i < 1000; i++)
        idse_workspace_interrupt(workspace);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
    idse_workspace *workspace = NULL;
    if (argc != 2 || idse_workspace_open(argv[1], &workspace, NULL) != IDSE_STATUS_OK)
        return 2;
    assert(idse_abi_version() == 1 && strlen(idse_version()) > 0 && strlen(idse_workspace_root(workspace)) > 0);
    nothing();
    arguments();
    documents();
    contexts(workspace);
    hot_path(workspace);
    threads(workspace);
    idse_workspace_free(workspace);
    puts("nothing broke");
    return 0;
}
