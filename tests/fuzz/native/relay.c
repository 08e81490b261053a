/* Hostile responses for the compiled relay: libFuzzer's harness around native/relay.c.
 *
 * An input is a question (type, flags, octets of the cookie, and of the name, and these), and a response, whose id and
 * question become right, for all others are refused at once. Each lies in memory of exactly its size, so that
 * AddressSanitizer sees each octet too far. */
#include "relay.h"

#include <stdlib.h>
#include <string.h>

enum { HEADER = 12, QUESTION = 4 };

static void must(int holds) {
    if (!holds)
        abort();
}

static uint8_t *copy_of(const uint8_t *octets, size_t count) {
    uint8_t *copy = malloc(count ? count : 1);
    if (count)
        memcpy(copy, octets, count);
    return copy;
}

/* Whether octets are one name and nothing else. */
static int is_name(const uint8_t *name, size_t octets) {
    size_t at = 0;
    while (at < octets && name[at])
        at += 1 + (size_t)name[at];
    return octets <= RELAY_NAME && at + 1 == octets;
}

static void check(const relay_said *said, const uint8_t *response, size_t octets) {
    must(said->rcode == 0 || (said->rcode == 3 && said->count == 0));
    must(said->count <= RELAY_RECORDS && (said->edns || said->cookie == NULL));
    if (said->cookie != NULL)
        must(said->cookie > response && said->cookie + said->cookie_octets <= response + octets);
    for (unsigned number = 0; number < said->count; number++) {
        const uint8_t *address = relay_address(said, number);
        must(address > response && address + said->address_octets <= response + octets);
    }
    if (said->count)
        return;
    must(is_name(said->owner, said->owner_octets) && said->rdata_octets >= 22);
    size_t mname = 0, rname;
    while (said->rdata[mname])
        mname += 1 + (size_t)said->rdata[mname];
    rname = ++mname;
    while (said->rdata[rname])
        rname += 1 + (size_t)said->rdata[rname];
    must(rname + 1 + 20 == said->rdata_octets);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < QUESTION)
        return -1;
    static const unsigned types[] = {1, 28, 16, 257};
    size_t cookie_octets = data[2] % (RELAY_COOKIE + 1), name_octets = data[3];
    unsigned flags = data[1], qtype = types[data[0] % 4];
    data += QUESTION, size -= QUESTION;
    if (size < cookie_octets + name_octets + 2 + name_octets || !is_name(data + cookie_octets, name_octets))
        return -1;
    uint8_t *cookie = copy_of(data, cookie_octets), *name = copy_of(data + cookie_octets, name_octets);
    data += cookie_octets + name_octets, size -= cookie_octets + name_octets;
    uint8_t *drawn = copy_of(data, 2 + name_octets), *query = malloc(RELAY_QUERY);
    data += 2 + name_octets, size -= 2 + name_octets;
    relay_question question = {name, name_octets, qtype, flags & 1, flags & 2, cookie, cookie_octets};
    size_t query_octets = relay_write(&question, drawn, query), end = HEADER + name_octets + RELAY_TAIL;
    must(query_octets == end + 11 + (cookie_octets ? 4 + cookie_octets : 0));
    query = realloc(query, query_octets);

    size_t head = size < HEADER ? size : HEADER, octets = head == HEADER ? size + name_octets + RELAY_TAIL : size;
    uint8_t *response = malloc(octets ? octets : 1);
    memcpy(response, data, head);
    if (head == HEADER) {
        memcpy(response, query, 2);
        memcpy(response + HEADER, query + HEADER, end - HEADER);
        memcpy(response + end, data + HEADER, size - HEADER);
    }
    relay_said *said = malloc(sizeof *said);
    if (relay_read(&question, query, response, octets, said))
        check(said, response, octets);
    free(said);
    free(response);
    free(query);
    free(drawn);
    free(name);
    free(cookie);
    return 0;
}
