#include "relay.h"

#include <string.h>

enum { QR = 0x80, OPCODE = 0x78, TC = 0x02, RD = 0x01, AD = 0x20, CD = 0x10, DO = 0x80, NXDOMAIN = 3 };
enum { TYPE_A = 1, TYPE_SOA = 6, TYPE_AAAA = 28, TYPE_OPT = 41, CLASS_IN = 1 };
enum { OPT = 11, OPTION = 4, COOKIE = 10, EXTENDED_ERROR = 15, PAYLOAD = 1232 };
enum { RECORD = 12, FIXED = 10, SOA_NUMBERS = 20, MAX_LABEL = 63, POINTERS = 16 };

static const uint32_t MAX_TTL_S = 0x7FFFFFFF; /* RFC 2181 8 */

static inline unsigned two(const uint8_t *at) { return (unsigned)at[0] << 8 | at[1]; }
static inline uint32_t four(const uint8_t *at) { return (uint32_t)two(at) << 16 | two(at + 2); }

static inline uint8_t *put_two(uint8_t *at, unsigned number) {
    at[0] = (uint8_t)(number >> 8);
    at[1] = (uint8_t)number;
    return at + 2;
}

/* --- the query -------------------------------------------------------------------------------------------- */

static inline int is_letter(uint8_t octet) {
    octet |= 0x20;
    return octet >= 'a' && octet <= 'z';
}

size_t relay_write(const relay_question *question, const uint8_t *drawn, uint8_t *query) {
    size_t octets = question->name_octets;
    memset(query, 0, RELAY_HEADER);
    query[0] = drawn[1]; /* the numbers that query.py makes of the same octets */
    query[1] = drawn[0];
    query[2] = RD;
    query[3] = question->unchecked ? CD : 0;
    query[5] = query[11] = 1;
    for (size_t at = 0; at < octets; at++) {
        uint8_t octet = question->name[at];
        query[RELAY_HEADER + at] = is_letter(octet) ? octet ^ (drawn[1 + octets - at] & 0x20) : octet;
    }
    uint8_t *at = put_two(query + RELAY_HEADER + octets, question->qtype);
    at = put_two(at, CLASS_IN);
    *at = 0;
    at = put_two(put_two(at + 1, TYPE_OPT), PAYLOAD);
    at = put_two(put_two(at, 0), question->dnssec ? DO << 8 : 0);
    if (question->cookie_octets == 0)
        return (size_t)(put_two(at, 0) - query);
    at = put_two(put_two(at, OPTION + (unsigned)question->cookie_octets), COOKIE);
    at = put_two(at, (unsigned)question->cookie_octets);
    memcpy(at, question->cookie, question->cookie_octets);
    return (size_t)(at - query) + question->cookie_octets;
}

/* --- names ------------------------------------------------------------------------------------------------ */

/* A response in which the question's name is as it was asked for, and not as it was spelled. */
typedef struct {
    const uint8_t *octets;
    size_t count;
    const relay_question *question;
} message;

static inline uint8_t octet_at(const message *of, size_t at) {
    size_t in_name = at - RELAY_HEADER;
    return at >= RELAY_HEADER && in_name < of->question->name_octets ? of->question->name[in_name] : of->octets[at];
}

/* Write the name at `*at` without compression, and go behind it; how long it is, 0: it is none. */
static size_t take_name(const message *of, size_t *at, uint8_t *name) {
    size_t here = *at, lowest = here, written = 0;
    unsigned pointers = 0;
    for (;;) {
        if (here >= of->count)
            return 0;
        size_t length = octet_at(of, here);
        if (length > MAX_LABEL) {
            if (length < 0xC0 || here + 1 >= of->count || pointers == POINTERS)
                return 0;
            size_t target = (length & 0x3F) << 8 | octet_at(of, here + 1);
            if (pointers++ == 0)
                *at = here + 2;
            if (target >= lowest) /* backwards only, so that it ends */
                return 0;
            here = lowest = target;
            continue;
        }
        if (here + 1 + length > of->count || written + 1 + length > RELAY_NAME)
            return 0;
        for (size_t end = here + 1 + length; here < end; here++)
            name[written++] = octet_at(of, here);
        if (length == 0)
            break;
    }
    if (pointers == 0)
        *at = here;
    return written;
}

/* Whether a name is an owner, or beneath it. */
static int is_under(const relay_question *question, const uint8_t *owner, size_t octets) {
    if (octets > question->name_octets)
        return 0;
    size_t at = 0, last = question->name_octets - octets;
    if (memcmp(question->name + last, owner, octets))
        return 0;
    while (at < last)
        at += 1 + (size_t)question->name[at];
    return at == last;
}

/* --- the response ----------------------------------------------------------------------------------------- */

static size_t address_octets(unsigned rdtype) { return rdtype == TYPE_A ? 4 : rdtype == TYPE_AAAA ? 16 : 0; }

/* The addresses at `*at`, of the asked name and type. */
static int take_addresses(const message *of, size_t *at, unsigned count, relay_said *said) {
    size_t octets = address_octets(of->question->qtype), stride = RECORD + octets;
    if (octets == 0 || count > RELAY_RECORDS || of->count < *at || (of->count - *at) / stride < count)
        return 0;
    said->count = count;
    said->address_octets = octets;
    said->records = of->octets + *at;
    said->ttl_s = MAX_TTL_S;
    for (unsigned number = 0; number < count; number++, *at += stride) {
        const uint8_t *record = of->octets + *at;
        if (two(record) != (0xC000 | RELAY_HEADER) || two(record + 2) != of->question->qtype ||
            two(record + 4) != CLASS_IN || two(record + 10) != octets)
            return 0;
        uint32_t ttl_s = four(record + 6);
        if (ttl_s > MAX_TTL_S)
            said->ttl_s = 0;
        else if (ttl_s < said->ttl_s)
            said->ttl_s = ttl_s;
    }
    return 1;
}

/* The SOA record at `*at`, its TTL as RFC 2308 5 has it. */
static int take_denial(const message *of, size_t *at, relay_said *said) {
    size_t octets = take_name(of, at, said->owner);
    if (octets == 0 || *at + FIXED > of->count)
        return 0;
    for (size_t each = 0; each < octets; each++)
        if (said->owner[each] >= 'A' && said->owner[each] <= 'Z')
            said->owner[each] |= 0x20;
    const uint8_t *fixed = of->octets + *at;
    size_t end = *at + FIXED + two(fixed + 8);
    *at += FIXED;
    if (two(fixed) != TYPE_SOA || two(fixed + 2) != CLASS_IN || end > of->count ||
        !is_under(of->question, said->owner, octets))
        return 0;
    size_t mname = take_name(of, at, said->rdata);
    size_t rname = mname ? take_name(of, at, said->rdata + mname) : 0;
    if (rname == 0 || *at + SOA_NUMBERS != end)
        return 0;
    memcpy(said->rdata + mname + rname, of->octets + *at, SOA_NUMBERS);
    uint32_t ttl_s = four(fixed + 4), minimum_s = four(of->octets + end - 4);
    if (ttl_s > MAX_TTL_S)
        ttl_s = 0;
    said->count = 0;
    said->owner_octets = octets;
    said->rdata_octets = mname + rname + SOA_NUMBERS;
    said->ttl_s = ttl_s < minimum_s ? ttl_s : minimum_s;
    *at = end;
    return 1;
}

/* The OPT record at `at`, the last one; 0: it says more than can be told here. */
static int take_opt(const message *of, size_t at, relay_said *said) {
    if (at > of->count || of->count - at < OPT)
        return 0;
    const uint8_t *opt = of->octets + at;
    if (opt[0] || two(opt + 1) != TYPE_OPT || opt[5]) /* upper bits of the rcode (RFC 6891 6.1.3) */
        return 0;
    size_t left = two(opt + 9);
    if (of->count - at - OPT < left)
        return 0;
    said->edns = 1;
    for (const uint8_t *option = opt + OPT; left;) {
        if (left < OPTION || left - OPTION < two(option + 2) || two(option) == EXTENDED_ERROR)
            return 0;
        size_t octets = two(option + 2);
        if (two(option) == COOKIE) {
            if (said->cookie != NULL)
                return 0;
            said->cookie = option + OPTION;
            said->cookie_octets = octets;
        }
        option += OPTION + octets;
        left -= OPTION + octets;
    }
    return 1;
}

int relay_read(const relay_question *question, const uint8_t *query, const uint8_t *response, size_t octets,
               relay_said *said) {
    size_t at = RELAY_HEADER + question->name_octets + RELAY_TAIL;
    if (octets < at || memcmp(response, query, 2) ||
        memcmp(response + RELAY_HEADER, query + RELAY_HEADER, at - RELAY_HEADER))
        return 0;
    message of = {response, octets, question};
    unsigned answers = two(response + 6), authorities = two(response + 8), additionals = two(response + 10);
    said->rcode = response[3] & 0xF;
    said->claimed = (response[3] & AD) != 0;
    said->edns = 0;
    said->cookie = NULL;
    said->cookie_octets = 0;
    if ((response[2] & (QR | OPCODE | TC)) != QR || two(response + 4) != 1 || additionals > 1)
        return 0;
    if (answers) {
        if (said->rcode || authorities || !take_addresses(&of, &at, answers, said))
            return 0;
    } else if ((said->rcode && said->rcode != NXDOMAIN) || authorities != 1 || !take_denial(&of, &at, said)) {
        return 0;
    }
    return additionals == 0 || take_opt(&of, at, said);
}
