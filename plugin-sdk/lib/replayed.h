/* SPDX-License-Identifier: MIT */
/* replayed: whether a request has what a vendor wants back from earlier turns.
 *
 * With "replay": "reasoning_content" in its manifest the host keeps the reasoning_content of answers
 * with tool calls and puts it into the messages of applications that do not send it. What it does
 * not have any more is missing in harborai_request.body, and vendors who insist refuse such a
 * request while they think. So, before http_start(), where the request would think:
 *
 *     if (replayed_lacks_reasoning(request->body)) {
 *         … an edit that turns thinking off for this turn, such as "/thinking" = {"type":"disabled"}
 *         st = call->host->changed(call, HARBORAI_STR("/thinking"), HARBORAI_CHANGED_OFF, error);
 *     }
 *
 * Compiled into whoever uses it and hidden there; not part of the ABI. All functions are [any]. */
#ifndef SDK_REPLAYED_H
#define SDK_REPLAYED_H

#include <stdbool.h>

#include <harborai/types.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(hidden)

/* Whether one of the body's messages has tool calls and no reasoning_content. Messages without tool
 * calls may lack it. An empty text is not missing: models call tools without a thought, and the
 * vendor wants to hear that too. `body` is JSON that was checked, as harborai_request.body is; the
 * time is in proportion to its length.
 *
 * DeepSeek's rule (https://api-docs.deepseek.com/guides/thinking_mode, "Tool Calls"; 2026-11-21):
 * the reasoning_content of turns with tool calls has to be in all later requests, else 400 "The
 * reasoning_content in the thinking mode must be passed back to the API."; without tool calls it is
 * ignored. That a message without tool calls may lack it also in such a turn, and that the member
 * must be there though it is empty, is second-hand: github.com/esengine/DeepSeek-Reasonix/pull/4022,
 * github.com/deepseek-ai/deepseek-harness/discussions/739. */
bool replayed_lacks_reasoning(harborai_str body);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif /* SDK_REPLAYED_H */
