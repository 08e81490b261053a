/* Plain answers, cut out of a zone's block: answer/direct.py in plain C, without Python.
 *
 * The block's layout stands in zone.py, and why an answer may be made this way in answer/direct.py; the
 * octets are the same. Queries are hostile: every read of one is within its octets. Blocks are ours, but for
 * their ends nothing is taken on trust either.
 */
#ifndef SPLITDNS_DIRECT_H
#define SPLITDNS_DIRECT_H

#include <stddef.h>
#include <stdint.h>

enum {
    DIRECT_TYPES = 300,
    DIRECT_OPT_OCTETS = 11,
    DIRECT_HIDDEN_OCTETS = 16,
};

/* A zone that answers directly. */
typedef struct {
    const uint8_t *block;
    size_t block_octets;
    uint32_t mask;       /* slots less one */
    size_t apex_octets;  /* of its name */
    int closed;          /* what has no node does not exist, but for wildcards */
    void *owner;         /* whoever set it up knows what for */
} direct_ground;

/* An apex or a domain; without a ground, what lies there is not answered directly. */
typedef struct {
    const uint8_t *name; /* folded; NULL: free */
    size_t octets;
    const direct_ground *ground;
} direct_place;

/* Addresses that begin with so many bits; with `at`, those among them that have such an IPv4 address there. */
typedef struct {
    uint8_t octets[16];
    size_t width; /* of an address: 4 or 16 */
    size_t bits, at;
} direct_prefix;

/* What a view is to its clients. */
typedef struct {
    direct_place *places; /* open addressing by CRC-32 */
    uint32_t places_mask;
    int recursion, outside;
    size_t payload_octets;                         /* our own EDNS size */
    uint8_t types[DIRECT_TYPES];                   /* 1: may be answered */
    const direct_prefix *inside; /* what an outside view must not learn */
    size_t inside_count;
    uint8_t (*hidden)[DIRECT_HIDDEN_OCTETS]; /* nor these: sorted, IPv4 filled up with zeros */
    size_t hidden_count;
} direct_view;

typedef enum { DIRECT_FOUND, DIRECT_NO_DATA, DIRECT_NO_NAME } direct_kind;

/* How a query is answered; `records` are set for DIRECT_FOUND, else a denial has to be put there. */
typedef struct {
    const direct_ground *ground;
    direct_kind kind;
    uint16_t count;
    uint16_t qtype;
    unsigned differs;   /* of the node, which tells which denial */
    int edns, dnssec;   /* of the query; `dnssec` is the DO bit */
    size_t name_octets; /* of the asked name */
    size_t end;         /* of the question */
    size_t limit_octets;
    const uint8_t *records;
    size_t records_octets;
    uint8_t flags[2]; /* of the header */
} direct_answer;

/* CRC-32 as zlib has it. */
uint32_t direct_crc(const uint8_t *octets, size_t count);

/* Put a place among those of the view, of which at most half are taken. */
void direct_place_set(direct_view *view, const uint8_t *name, size_t octets, const direct_ground *ground);

/* Whether the block has a head and slots, and may be asked; sets what is known from them. */
int direct_ground_set(direct_ground *ground, const uint8_t *block, size_t octets);

/* How the query, a whole message, is answered; 0: not directly. */
int direct_find(const direct_view *view, const uint8_t *query, size_t octets, direct_answer *answer);

/* How long the answer is, once its records are set; it must fit into `limit_octets`. */
static inline size_t direct_octets(const direct_answer *answer) {
    return answer->end + answer->records_octets + (answer->edns ? DIRECT_OPT_OCTETS : 0);
}

/* Write the answer over its query, where there is room for it. */
void direct_write(const direct_view *view, const direct_answer *answer, uint8_t *message);

#endif
