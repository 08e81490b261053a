/* Hostile queries for the compiled direct answers: libFuzzer's harness around native/direct.c.
 *
 * The views and zones are real ones, written by ../compiled.py into the file that SPLITDNS_WORLD names. An input is
 * the number of a view, and a query. The query lies in memory of exactly its size, the answer in one of exactly
 * the answer's, so that AddressSanitizer sees each octet too far. What comes out has to be a message. */
#include "direct.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER = 12, MAX_VIEWS = 16 };

typedef struct {
    direct_view view;
    direct_ground *grounds;
} world_view;

static world_view views[MAX_VIEWS];
static size_t views_count;

/* What takes the place of an SOA record: root, type, class, TTL, no data. */
static const uint8_t denial[] = {0, 0, 6, 0, 1, 0, 0, 0, 0, 0, 0};

static void take(FILE *file, void *into, size_t octets) {
    if (octets && fread(into, octets, 1, file) != 1) {
        fprintf(stderr, "the world ends too soon\n");
        exit(2);
    }
}

static uint32_t number(FILE *file) {
    uint32_t found;
    take(file, &found, sizeof found);
    return found;
}

static void *room(size_t count, size_t octets) {
    void *found = calloc(count + 1, octets);
    if (found == NULL)
        exit(2);
    return found;
}

static void read_ground(FILE *file, direct_ground *ground) {
    ground->apex_octets = number(file);
    ground->closed = (int)number(file);
    uint32_t octets = number(file);
    uint8_t *block = malloc(octets);
    take(file, block, octets);
    if (!direct_ground_set(ground, block, octets)) {
        fprintf(stderr, "no block\n");
        exit(2);
    }
}

static void read_places(FILE *file, world_view *made) {
    uint32_t count = number(file), slots = 4, grounds = 0;
    while (slots < 2 * count)
        slots *= 2;
    made->view.places = room(slots, sizeof(direct_place));
    made->view.places_mask = slots - 1;
    made->grounds = room(count, sizeof(direct_ground));
    for (uint32_t at = 0; at < count; at++) {
        uint32_t octets = number(file);
        uint8_t *name = malloc(octets);
        take(file, name, octets);
        direct_ground *ground = NULL;
        if (number(file))
            read_ground(file, ground = &made->grounds[grounds++]);
        direct_place_set(&made->view, name, octets, ground);
    }
}

static void read_view(FILE *file, world_view *made) {
    direct_view *view = &made->view;
    view->recursion = (int)number(file);
    view->outside = (int)number(file);
    view->payload_octets = number(file);
    take(file, view->types, sizeof view->types);
    view->inside_count = number(file);
    direct_prefix *inside = room(view->inside_count, sizeof(direct_prefix));
    for (size_t at = 0; at < view->inside_count; at++) {
        inside[at].width = number(file);
        inside[at].bits = number(file);
        inside[at].at = number(file);
        take(file, inside[at].octets, inside[at].width);
    }
    view->inside = inside;
    view->hidden_count = number(file);
    view->hidden = room(view->hidden_count, DIRECT_HIDDEN_OCTETS);
    take(file, view->hidden, view->hidden_count * DIRECT_HIDDEN_OCTETS);
    read_places(file, made);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    const char *path = getenv("SPLITDNS_WORLD");
    FILE *file = path == NULL ? NULL : fopen(path, "rb");
    if (file == NULL) {
        fprintf(stderr, "SPLITDNS_WORLD names no file\n");
        exit(2);
    }
    views_count = number(file);
    if (views_count == 0 || views_count > MAX_VIEWS)
        exit(2);
    for (size_t at = 0; at < views_count; at++)
        read_view(file, &views[at]);
    fclose(file);
    return 0;
}

static void must(int holds) {
    if (!holds)
        abort();
}

/* The records after the question are whole, and as many as the header says. */
static void check(const uint8_t *message, size_t octets, const direct_answer *answer) {
    size_t at = answer->end;
    unsigned records = message[6] << 8 | message[7];
    must(octets <= answer->limit_octets && (message[2] & 0x84) == 0x84);
    must(message[4] == 0 && message[5] == 1 && message[8] == 0 && message[10] == 0);
    must((message[3] & 0xF) == (answer->kind == DIRECT_NO_NAME ? 3 : 0));
    for (records += message[9] + message[11]; records; records--) {
        must(at < octets);
        at += message[at] ? 2 : 1; /* a pointer, or the root */
        must(at + 10 <= octets);
        at += 10 + ((size_t)message[at + 8] << 8 | message[at + 9]);
    }
    must(at == octets);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    direct_answer answer;
    if (size == 0)
        return -1;
    const direct_view *view = &views[data[0] % views_count].view;
    uint8_t *query = malloc(size); /* an octet more than needed for none, which is not to be read */
    memcpy(query, data + 1, size - 1);
    query = realloc(query, size > 1 ? size - 1 : 1);
    if (direct_find(view, query, size - 1, &answer)) {
        if (answer.kind != DIRECT_FOUND) {
            answer.records = denial;
            answer.records_octets = sizeof denial;
        }
        size_t octets = direct_octets(&answer);
        if (octets <= answer.limit_octets) {
            uint8_t *message = malloc(octets > size ? octets : size);
            memcpy(message, query, size - 1);
            message = realloc(message, octets > size - 1 ? octets : size - 1);
            direct_write(view, &answer, message);
            must(memcmp(message + HEADER, query + HEADER, answer.end - HEADER) == 0);
            check(message, octets, &answer);
            free(message);
        }
    }
    free(query);
    return 0;
}
