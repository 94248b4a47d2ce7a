/* The steps of a sync story: `tests/conformance/README.md` lists them. */

/* Puts the arguments of a verb together from the fields of a step. */
static char *arguments(const char *root, const char *agency, const char *verb, const idse_json *step)
{
    static const char *const OPTIONS[] = {"dry_run", "allow_empty", "force_clear", "replace_session", "recreate", "new_id", "markers",
                                          "accept_clear", "force", "stages", "delete", "restore", "agent", "stack"};
    bool is_setting = strstr(" init set_stage create_session switch_session undo ", format(" %s ", verb)) != NULL;
    bool names = strcmp(verb, "clone") != 0 && strcmp(verb, "undo") != 0;
    bool in_session = names && strcmp(verb, "link") != 0;
    char *text = format("{\"root\": %s", quoted(root)), *value;
    if (names)
        text = format("%s, \"project\": %s", text, quoted(member(step, "project", "portal")));
    if (in_session || (strcmp(verb, "clone") == 0 && text_at(step, "/session")))
        text = format("%s, \"session\": %s", text, quoted(member(step, "session", "s1")));
    if (!is_setting)
        text = format("%s, \"remote\": %s", text, quoted(agency));
    if (strcmp(verb, "clone") == 0 || strcmp(verb, "link") == 0)
        text = format("%s, \"name\": %s", text, quoted(member(step, "to", member(step, "project", "portal"))));
    if (strcmp(verb, "set_stage") == 0)
        text = format("%s, \"status\": %s", text, quoted(member(step, "status", "")));
    if (strcmp(verb, "set_stage") == 0 || strcmp(verb, "resolve") == 0)
        text = format("%s, \"stage\": %s", text, quoted(member(step, "stage", "")));
    if (strcmp(verb, "resolve") == 0)
        text = (value = text_at(step, "/with")) ? format("%s, \"resolution\": %s", text, quoted(value))
                                                : format("%s, \"text\": %s", text, quoted(member(step, "text", "")));
    if (strcmp(verb, "diff") == 0 && (value = text_at(step, "/side")))
        text = format("%s, \"against\": %s", text, quoted(value));
    for (size_t i = 0; i < sizeof OPTIONS / sizeof *OPTIONS && strcmp(verb, "status") != 0; i++)
        if ((value = text_at(step, format("/%s", OPTIONS[i]))))
            text = format("%s, \"%s\": %s", text, OPTIONS[i], strchr("[tf", *value) && strcmp(OPTIONS[i], "agent") ? value : quoted(value));
    return format("%s}", text);
}

/* Returns the names of the stages in a list of a report, as a JSON list: all, or those that `is` lets through. */
static char *stages(const idse_json *report, const char *list, bool (*is)(const idse_json *, const char *, const char *), const char *field)
{
    char *names = keep(strdup(""));
    for (size_t i = 0; i < idse_json_length(report, list); i++)
        if (is(report, format("%s/%zu/%s", list, i, field), field))
            names = format("%s%s\"%s\"", names, *names ? "," : "", text_at(report, format("%s/%zu/stage", list, i)));
    return format("[%s]", names);
}

static bool every(const idse_json *report, const char *at, const char *field) { return report && at && field; }
static bool is_true(const idse_json *report, const char *at, const char *field) { return field && idse_json_is_true(report, at); }
static bool is_set(const idse_json *report, const char *at, const char *field) { return field && text_at(report, at); }
static bool moves(const idse_json *report, const char *at, const char *field)
{
    return field && strstr(" send send_null write merge remove ", format(" %s ", text_at(report, at)));
}

static void expect(const char *name, const char *what, const char *wanted, const char *got);

/* Compares files with the texts that a step names by stage. */
static void check_files(const char *root, const idse_json *step, const char *at)
{
    for (size_t i = 0; i < idse_json_length(step, at); i++) {
        char *stage = take(idse_json_key(step, at, i));
        expect(root, stage, text_at(step, format("%s/%s", at, stage)), slurp(artifact(root, step, stage)));
    }
}

/* Looks into the agency: a clone has its texts, the list its state. */
static void check_agency(const char *base, const char *agency, const idse_json *step)
{
    static int looks;
    char *root = format("%s/look%d", base, looks++), *project = member(step, "project", "portal"), *at = NULL;
    idse_json *list = call("list_remote", format("{\"start\": %s, \"remote\": %s}", quoted(base), quoted(agency)));
    for (size_t p = 0; p < idse_json_length(list, "/projects"); p++)
        for (size_t s = 0; s < idse_json_length(list, format("/projects/%zu/sessions", p)); s++)
            if (strcmp(text_at(list, format("/projects/%zu/name", p)), project) == 0 &&
                strcmp(text_at(list, format("/projects/%zu/sessions/%zu/session", p, s)), member(step, "session", "s1")) == 0)
                at = format("/projects/%zu/sessions/%zu/state", p, s);
    expect(base, "missing in the agency", idse_json_is_true(step, "/missing") ? "yes" : "no", at ? "no" : "yes");
    for (size_t i = 0; at && i < idse_json_length(step, "/state"); i++) {
        /* The keys are JSON pointers themselves, so their slashes are escaped to be looked up. */
        char *key = take(idse_json_key(step, "/state", i)), *escaped = format("");
        for (const char *c = key; *c; c++)
            escaped = format("%s%.*s", escaped, *c == '/' ? 2 : 1, *c == '/' ? "~1" : c);
        expect(base, key, text_at(step, format("/state/%s", escaped)), text_at(list, format("%s%s", at, key)));
    }
    if (at && idse_json_length(step, "/texts")) {
        call("clone", format("{\"root\": %s, \"remote\": %s, \"name\": %s, \"session\": %s}", quoted(root), quoted(agency),
                             quoted(project), quoted(member(step, "session", "s1"))));
        check_files(root, step, "/texts");
    }
}

static bool holds(const char *folder, const char *text)
{
    bool found = false;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && !found && (entry = readdir(dir));) {
        char *path = format("%s/%s", folder, entry->d_name), *held = entry->d_name[0] == '.' ? NULL : slurp(path);
        found = held && (strcmp(held, text) == 0 || (strlen(entry->d_name) == 2 && holds(path, text)));
    }
    if (dir)
        closedir(dir);
    return found;
}

/* Returns the proposal of an open conflict, whatever the agency's key. */
static char *merged_path(const char *root, const idse_json *step)
{
    char *sync = format("%s/.idse/sync", root), *found = NULL;
    DIR *dir = opendir(sync);
    for (struct dirent *entry; dir && !found && (entry = readdir(dir));) {
        char *path = format("%s/%s/conflicts/%s/%s/%s/merged.md", sync, entry->d_name, member(step, "project", "portal"),
                            member(step, "session", "s1"), member(step, "stage", ""));
        found = access(path, F_OK) == 0 ? path : NULL;
    }
    if (dir)
        closedir(dir);
    return found ? found : format("%s/no-conflict", sync);
}

static void write_text(const char *path, const idse_json *step)
{
    char *hex = text_at(step, "/hex"), *json = text_at(step, "/json"), *text = text_at(step, "/text");
    if (hex) {
        size_t size = strlen(hex) / 2;
        char *bytes = format("%s", hex);
        for (size_t i = 0; i < size; i++)
            bytes[i] = (char)strtol(format("%.2s", hex + 2 * i), NULL, 16);
        spill_bytes(path, bytes, size);
    } else
        spill(path, json ? json : text ? text : "");
}

/* Runs a verb for a step; what it could not do is `Kind/reason`. */
static idse_json *attempt(const char *root, const char *agency, const char *verb, const idse_json *step, char **failure)
{
    idse_json *answer = NULL;
    idse_error *error = NULL;
    if (idse_call(NULL, NULL, verb, arguments(root, agency, verb, step), &answer, &error) == IDSE_STATUS_OK)
        return keep_document(answer);
    *failure = format("%s/%s", idse_error_kind(error), idse_error_reason(error));
    idse_error_free(error);
    return NULL;
}

static void start(const char *root, const char *agency, const idse_json *step, char **failure)
{
    static const char *const STAGES[] = {"intent", "context", "spec", "plan", "tasks", "implementation", "feedback"};
    attempt(root, agency, "init", step, failure);
    for (size_t i = 0; idse_json_length(step, "/texts") && i < 7; i++) {
        char *text = text_at(step, format("/texts/%s", STAGES[i])), *path = artifact(root, step, STAGES[i]);
        if (text)
            spill(path, text);
        else
            remove(path);
    }
    for (size_t i = 0; i < idse_json_length(step, "/status"); i++) {
        char *stage = take(idse_json_key(step, "/status", i));
        char *change = format("{\"project\": %s, \"session\": %s, \"stage\": \"%s\", \"status\": \"%s\"}", quoted(member(step, "project", "portal")),
                              quoted(member(step, "session", "s1")), stage, text_at(step, format("/status/%s", stage)));
        attempt(root, agency, "set_stage", document(change), failure);
    }
}

static bool needs_hand(const char *story) { return strstr(story, "\"do\":\"row\"") || strstr(story, "\"do\":\"drop\""); }

/* Somebody else writes the agency's table. */
static void by_hand(const char *name, const char *base, const char *agency, const idse_json *step)
{
    char *file = format("%s/step.json", base);
    spill(file, text_at(step, ""));
    int ended = system(format("\"$IDSE_HAND\" '%s' '%s'", agency + strlen("sqlite:"), file));
    expect(name, "the hand at the table", "0", format("%d", ended));
}

/* Does what a step asks and returns the report of its verb, where it has one. */
static idse_json *tell(const char *name, const idse_json *step, char **failure)
{
    char *base = format("%s/%s", work, name), *what = text_at(step, "/do"), *root = format("%s/%s", base, member(step, "at", "alice"));
    char *agency = format("sqlite:%s/%s.db", base, member(step, "remote", "agency"));
    mkdir(base, 0777);
    if (strcmp(what, "start") == 0)
        start(root, agency, step, failure);
    else if (strcmp(what, "write") == 0)
        write_text(artifact(root, step, member(step, "stage", "")), step);
    else if (strcmp(what, "file") == 0)
        write_text(format("%s/%s", root, member(step, "path", "")), step);
    else if (strcmp(what, "remove") == 0)
        remove(artifact(root, step, member(step, "stage", "")));
    else if (strcmp(what, "agency") == 0)
        check_agency(base, agency, step);
    else if (strcmp(what, "row") == 0 || strcmp(what, "drop") == 0)
        by_hand(name, base, agency, step);
    else if (strcmp(what, "merged") == 0)
        write_text(merged_path(root, step), step);
    else if (strcmp(what, "kept") == 0)
        expect(name, "kept", "yes", holds(format("%s/.idse/sync/objects", root), member(step, "text", "")) ? "yes" : "no");
    else if (strcmp(what, "check") == 0) {
        check_files(root, step, "/files");
        return attempt(root, agency, "status", step, failure);
    } else
        return attempt(root, agency, strcmp(what, "stage") == 0 ? "set_stage" : what, step, failure);
    return NULL;
}
