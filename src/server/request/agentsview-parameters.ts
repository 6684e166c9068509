/** Query parameters of agentsview's own clients, for those routes that both servers have. */

/**
 * Filters and orders that `GET /api/v1/sessions` accepts without effect: refusing them would break these clients. Its
 * streams and messages are asked for with parameters that this server has too.
 *
 * Source, at https://github.com/kenn-io/agentsview: `filterToQuery` in internal/service/http.go (the command line) and
 * frontend/src/lib/api/generated/models/getApiV1SessionsParams.ts (the web pages).
 */
export const AGENTSVIEW_LIST_PARAMETERS: readonly string[] = [
  "date",
  "date_from",
  "date_to",
  "descending",
  "exclude_project",
  "git_branch",
  "has_secret",
  "health_grade",
  "ids",
  "include_automated",
  "include_children",
  "include_one_shot",
  "include_source",
  "label",
  "max_messages",
  "min_messages",
  "min_tool_failures",
  "min_user_messages",
  "order_by",
  "outcome",
  "pr",
  "starred",
  "termination",
  "timezone",
];
