/* A query to an upstream and its response, by octets: forward/query.py and forward/plain.py in plain C.
 *
 * Without Python. Responses are hostile: every read of one is within its octets. What is not read here is read in
 * Python; what is, is read alike.
 */
#ifndef SPLITDNS_RELAY_H
#define SPLITDNS_RELAY_H

#include <stddef.h>
#include <stdint.h>

enum {
    RELAY_HEADER = 12,
    RELAY_TAIL = 4, /* type and class */
    RELAY_NAME = 255,
    RELAY_COOKIE = 40,
    RELAY_QUERY = RELAY_HEADER + RELAY_NAME + RELAY_TAIL + 11 + 4 + RELAY_COOKIE,
    RELAY_RECORDS = 500, /* of one name, as in response.py */
};

/* What is asked; the name is folded. */
typedef struct {
    const uint8_t *name;
    size_t name_octets;
    unsigned qtype;
    int dnssec, unchecked; /* DO, CD */
    const uint8_t *cookie; /* the option's data */
    size_t cookie_octets;  /* 0: without */
} relay_question;

/* Write the query, into RELAY_QUERY octets; how many it has. `drawn` is random: two octets, and one for each of the
 * name's. */
size_t relay_write(const relay_question *question, const uint8_t *drawn, uint8_t *query);

/* What a response says: addresses, or that there is nothing. */
typedef struct {
    unsigned rcode;
    int claimed; /* AD */
    uint32_t ttl_s;
    unsigned count;         /* of addresses, which may be there twice; 0: a denial */
    const uint8_t *records; /* of addresses: the first */
    size_t address_octets;
    size_t owner_octets, rdata_octets; /* of a denial: its SOA's, without compression */
    uint8_t owner[RELAY_NAME], rdata[2 * RELAY_NAME + 20];
    int edns;
    const uint8_t *cookie;
    size_t cookie_octets; /* 0: without */
} relay_said;

/* Read the response to a query that was written; 0: not here. */
int relay_read(const relay_question *question, const uint8_t *query, const uint8_t *response, size_t octets,
               relay_said *said);

/* The address with that number among those said. */
static inline const uint8_t *relay_address(const relay_said *said, unsigned number) {
    return said->records + number * (RELAY_HEADER + said->address_octets) + RELAY_HEADER;
}

#endif
