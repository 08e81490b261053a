/* The upstream that forwarders ask: every name exists, but for those beneath a label "no".
 *
 * It answers from the generator's own loop. A process of its own would share the generator's core with it, and
 * most of a miss would be the time that the kernel takes to change from one to the other. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A socket on 127.0.0.1, or -1. */
int upstream_open(uint16_t port);

/* Answer what lies there, one batch at most; how many. */
unsigned upstream_answer(int socket);

/* Turn the query of `length` octets into its answer, in place; its length, or 0 for what is no query. */
size_t upstream_reply(uint8_t *message, size_t length);

/* Where the question of a message ends, or 0. */
size_t question_end(const uint8_t *message, size_t length);
