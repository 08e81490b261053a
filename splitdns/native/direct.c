#include "direct.h"

#include <string.h>

enum { HEADER = 12, TAIL = 4, MIN_QUESTION = 2 + TAIL, MIN_PAYLOAD = 512, MAX_NAME = 255, MAX_LABEL = 63 };
enum { QR = 0x80, AA = 0x04, RD = 0x01, RA = 0x80, AD = 0x20, CD = 0x10, NXDOMAIN = 3 };
enum { DO = 0x80, TYPE_CNAME = 5, TYPE_OPT = 41, CLASS_IN = 1 };
enum { HEAD_OCTETS = 8, SET_OCTETS = 10, RECORD_OCTETS = 12 };
enum { EXISTS = 1, CASE = 8, DIFFERS = 4, DIRECT = 32, STAR = 64, DNAME = 128 };        /* of a node */
enum { PUBLIC = 1, PLAIN = 2, ADDRESSES = 4 };                                          /* of a set */

static const uint8_t acme[] = "\x0f_acme-challenge";

static inline unsigned two(const uint8_t *at) { return (unsigned)at[0] << 8 | at[1]; }
static inline uint32_t four(const uint8_t *at) { return (uint32_t)two(at) << 16 | two(at + 2); }

/* --- hashes ---------------------------------------------------------------------------------------------- */

/* Four octets at a time: table[n] is what an octet comes to with n more behind it. */
static uint32_t crc_table[4][256];

__attribute__((constructor)) static void make_crc_table(void) {
    for (uint32_t octet = 0; octet < 256; octet++) {
        uint32_t crc = octet;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
        crc_table[0][octet] = crc;
    }
    for (uint32_t octet = 0; octet < 256; octet++)
        for (int more = 1; more < 4; more++) {
            uint32_t crc = crc_table[more - 1][octet];
            crc_table[more][octet] = crc >> 8 ^ crc_table[0][crc & 0xFF];
        }
}

uint32_t direct_crc(const uint8_t *octets, size_t count) {
    uint32_t crc = 0xFFFFFFFFu;
    for (; count >= 4; octets += 4, count -= 4) {
        crc ^= (uint32_t)octets[0] | (uint32_t)octets[1] << 8 | (uint32_t)octets[2] << 16 | (uint32_t)octets[3] << 24;
        crc = crc_table[3][crc & 0xFF] ^ crc_table[2][crc >> 8 & 0xFF] ^ crc_table[1][crc >> 16 & 0xFF] ^
              crc_table[0][crc >> 24];
    }
    for (; count; octets++, count--)
        crc = crc >> 8 ^ crc_table[0][(crc ^ *octets) & 0xFF];
    return ~crc;
}

/* --- addresses ------------------------------------------------------------------------------------------- */

static int has_prefix(const uint8_t *address, const direct_prefix *prefix) {
    size_t whole = prefix->bits / 8, rest = prefix->bits % 8;
    if (memcmp(address, prefix->octets, whole))
        return 0;
    return rest == 0 || (address[whole] ^ prefix->octets[whole]) >> (8 - rest) == 0;
}

static int is_inside(const direct_view *view, const uint8_t *address, size_t width) {
    for (size_t which = 0; which < view->inside_count; which++) {
        const direct_prefix *prefix = &view->inside[which];
        if (prefix->width == width && has_prefix(address, prefix) &&
            (prefix->at == 0 || is_inside(view, address + prefix->at, 4)))
            return 1;
    }
    return 0;
}

static int is_hidden(const direct_view *view, const uint8_t *address, size_t octets) {
    uint8_t key[DIRECT_HIDDEN_OCTETS] = {0};
    memcpy(key, address, octets);
    size_t low = 0, high = view->hidden_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = memcmp(view->hidden[middle], key, sizeof key);
        if (order == 0)
            return 1;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

/* --- a block --------------------------------------------------------------------------------------------- */

int direct_ground_set(direct_ground *ground, const uint8_t *block, size_t octets) {
    uint32_t slots;
    if (octets < HEAD_OCTETS)
        return 0;
    memcpy(&slots, block, sizeof slots);
    if (slots == 0 || (slots & (slots - 1)) || (octets - HEAD_OCTETS) / 4 < slots)
        return 0;
    ground->block = block;
    ground->block_octets = octets;
    ground->mask = slots - 1;
    return 1;
}

/* Where the node of a name starts; 0: it has none. */
static size_t find_node(const direct_ground *ground, const uint8_t *name, size_t octets) {
    uint32_t slot = direct_crc(name, octets) & ground->mask;
    for (uint32_t tries = 0; tries <= ground->mask; tries++, slot = (slot + 1) & ground->mask) {
        uint32_t at;
        memcpy(&at, ground->block + HEAD_OCTETS + 4 * (size_t)slot, sizeof at);
        if (at == 0 || at + 2 + octets > ground->block_octets)
            return 0;
        if (ground->block[at] == octets && memcmp(ground->block + at + 2, name, octets) == 0)
            return at;
    }
    return 0;
}

/* The node of the wildcard for a name without a node; 1 with `*node` 0: no such name; 0: not directly. */
static int find_source(const direct_ground *ground, const uint8_t *name, size_t octets, size_t *node) {
    uint8_t star[2 + MAX_NAME] = {1, '*'};
    size_t at = 0, encloser = 0;
    if (!ground->closed || octets > MAX_NAME)
        return 0;
    if (octets >= sizeof acme - 1 && memcmp(name, acme, sizeof acme - 1) == 0)
        return 0;
    while (encloser == 0) { /* the apex has one */
        if (at >= octets || name[at] == 0 || name[at] > MAX_LABEL)
            return 0;
        at += 1 + (size_t)name[at];
        if (at >= octets)
            return 0;
        encloser = find_node(ground, name + at, octets - at);
    }
    unsigned flags = ground->block[encloser + 1];
    if ((flags & (EXISTS | DIRECT | DNAME)) != (EXISTS | DIRECT))
        return 0;
    *node = 0;
    if (flags & STAR) {
        memcpy(star + 2, name + at, octets - at);
        *node = find_node(ground, star, 2 + octets - at);
    }
    return 1;
}

/* Whether the guard has nothing against the records of a set, each of the same length. */
static int may_pass(const direct_view *view, unsigned flags, const direct_answer *answer) {
    if (flags & PLAIN)
        return 1;
    if (!(flags & ADDRESSES))
        return 0;
    if (!view->outside || flags & PUBLIC)
        return 1;
    size_t stride = answer->records_octets / answer->count, octets = stride - RECORD_OCTETS;
    if (stride <= RECORD_OCTETS || (octets != 4 && octets != 16))
        return 0;
    for (size_t start = RECORD_OCTETS; start + octets <= answer->records_octets; start += stride) {
        const uint8_t *address = answer->records + start;
        if (is_inside(view, address, octets) || is_hidden(view, address, octets))
            return 0;
    }
    return 1;
}

/* The set of the asked type at a node: found, or not there; 0: it takes a closer look. */
static int find_set(const direct_view *view, size_t node, unsigned node_flags, direct_answer *answer) {
    const direct_ground *ground = answer->ground;
    const uint8_t *block = ground->block;
    size_t end = ground->block_octets, at = node + 2 + block[node] * (node_flags & CASE ? 2u : 1u);
    if (at + 2 > end)
        return 0;
    unsigned sets = two(block + at);
    at += 2;
    for (; sets; sets--) {
        if (at + SET_OCTETS > end)
            return 0;
        unsigned rdtype = two(block + at), flags = two(block + at + 2), count = two(block + at + 4);
        size_t octets = four(block + at + 6);
        at += SET_OCTETS;
        if (octets > end - at)
            return 0;
        if (rdtype == answer->qtype) {
            answer->kind = DIRECT_FOUND;
            answer->count = (uint16_t)count;
            answer->records = block + at;
            answer->records_octets = octets;
            return count && may_pass(view, flags, answer);
        }
        if (rdtype == TYPE_CNAME)
            return 0;
        at += octets;
    }
    answer->kind = DIRECT_NO_DATA;
    return 1;
}

/* --- a query --------------------------------------------------------------------------------------------- */

void direct_place_set(direct_view *view, const uint8_t *name, size_t octets, const direct_ground *ground) {
    uint32_t slot = direct_crc(name, octets) & view->places_mask;
    while (view->places[slot].name != NULL)
        slot = (slot + 1) & view->places_mask;
    view->places[slot] = (direct_place){name, octets, ground};
}

/* The longest zone or forward rule above a name. */
static const direct_ground *find_ground(const direct_view *view, const uint8_t *name, size_t octets) {
    for (size_t at = 0; at < octets; at += 1 + (size_t)name[at]) {
        const uint8_t *suffix = name + at;
        size_t left = octets - at;
        uint32_t slot = direct_crc(suffix, left) & view->places_mask;
        for (;; slot = (slot + 1) & view->places_mask) {
            const direct_place *place = &view->places[slot];
            if (place->name == NULL)
                break;
            if (place->octets == left && memcmp(place->name, suffix, left) == 0)
                return place->ground;
        }
    }
    return NULL;
}

/* The header, the question and the OPT record of a plain query; 0: it is none. */
static int read_query(const direct_view *view, const uint8_t *query, size_t octets, direct_answer *answer) {
    if (octets < HEADER + MIN_QUESTION || query[2] & (uint8_t)~RD || query[3] & (uint8_t)~(AD | CD))
        return 0;
    if (query[4] || query[5] != 1 || query[6] || query[7] || query[8] || query[9] || query[10] || query[11] > 1)
        return 0;
    answer->flags[0] = (uint8_t)(QR | AA | query[2]);
    answer->flags[1] = (uint8_t)((view->recursion ? RA : 0) | (query[3] & CD));
    answer->edns = query[11];
    answer->dnssec = 0;
    answer->limit_octets = MIN_PAYLOAD;
    answer->end = octets;
    if (answer->edns) {
        if (octets < HEADER + MIN_QUESTION + DIRECT_OPT_OCTETS)
            return 0;
        answer->end -= DIRECT_OPT_OCTETS;
        const uint8_t *opt = query + answer->end;
        if (opt[0] || two(opt + 1) != TYPE_OPT || opt[5] || opt[6] || opt[9] || opt[10])
            return 0;
        size_t theirs = two(opt + 3);
        answer->dnssec = opt[7] >= DO;
        if (theirs > MIN_PAYLOAD)
            answer->limit_octets = theirs;
        if (answer->limit_octets > view->payload_octets)
            answer->limit_octets = view->payload_octets;
    }
    const uint8_t *tail = query + answer->end - TAIL;
    answer->qtype = (uint16_t)two(tail);
    answer->name_octets = answer->end - TAIL - HEADER;
    return answer->qtype < DIRECT_TYPES && view->types[answer->qtype] && two(tail + 2) == CLASS_IN;
}

int direct_find(const direct_view *view, const uint8_t *query, size_t octets, direct_answer *answer) {
    uint8_t name[MAX_NAME];
    if (!read_query(view, query, octets, answer) || answer->name_octets > sizeof name)
        return 0;
    size_t name_octets = answer->name_octets;
    for (size_t at = 0; at < name_octets; at++) {
        uint8_t octet = query[HEADER + at];
        name[at] = octet >= 'A' && octet <= 'Z' ? (uint8_t)(octet | 0x20) : octet;
    }
    const direct_ground *ground = answer->ground = find_ground(view, name, name_octets);
    if (ground == NULL)
        return 0;
    size_t node = find_node(ground, name, name_octets);
    if (node == 0 && !find_source(ground, name, name_octets, &node))
        return 0;
    unsigned flags = node ? ground->block[node + 1] : DIRECT;
    if (!(flags & DIRECT))
        return 0;
    answer->records = NULL;
    answer->records_octets = answer->count = 0;
    answer->differs = flags & DIFFERS;
    if (!(flags & EXISTS)) {
        answer->kind = DIRECT_NO_NAME;
        answer->flags[1] |= NXDOMAIN;
    } else if (!find_set(view, node, flags, answer)) {
        return 0;
    }
    /* At the apex, the SOA of a negative answer points to the question. */
    return answer->kind == DIRECT_FOUND || name_octets != ground->apex_octets;
}

void direct_write(const direct_view *view, const direct_answer *answer, uint8_t *message) {
    int found = answer->kind == DIRECT_FOUND;
    memcpy(message + 2, answer->flags, 2);
    message[6] = (uint8_t)(answer->count >> 8); /* of the four counts, the question's stands already */
    message[7] = (uint8_t)answer->count;
    message[9] = found ? 0 : 1;
    if (answer->records_octets)
        memcpy(message + answer->end, answer->records, answer->records_octets);
    if (answer->edns) {
        uint8_t *opt = message + answer->end + answer->records_octets;
        memset(opt, 0, DIRECT_OPT_OCTETS);
        opt[2] = TYPE_OPT;
        opt[3] = (uint8_t)(view->payload_octets >> 8);
        opt[4] = (uint8_t)view->payload_octets;
        opt[7] = answer->dnssec ? DO : 0;
    }
}
