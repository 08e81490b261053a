/* Datagrams by the batch: recvmmsg(2) and sendmmsg(2) on the memory that serve/batch.py laid out.
 *
 * Plain C, without Python. An answer stands in the slot of its query; which slots have one is noted in a list
 * of messages of its own, so that nothing of what was received moves.
 */
#ifndef SPLITDNS_DATAGRAMS_H
#define SPLITDNS_DATAGRAMS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
    DATAGRAMS = 64,             /* in one batch, as in batch.py */
    DATAGRAMS_NAME_OCTETS = 28, /* struct sockaddr_in6, the larger of the two */
    DATAGRAMS_CONTROL_OCTETS = 64 + CMSG_SPACE(sizeof(uint16_t)), /* as in batch.py, and a bundle's own */
};

typedef struct {
    int fd;
    int of_ipv6;
    size_t slot_octets;    /* what is taken of a datagram, and the most that an answer may have */
    size_t control_octets; /* 0: nobody asked for the destination */
    struct mmsghdr *received;
    struct mmsghdr answers[DATAGRAMS];
    struct iovec pieces[DATAGRAMS];
    unsigned answers_count;
    unsigned used; /* how many of `received` the kernel wrote to */
    int cuts;      /* the kernel takes bundles: bundles.py says what they are */
    struct mmsghdr bundles[DATAGRAMS];
    struct iovec parts[DATAGRAMS];
    _Alignas(8) uint8_t controls[DATAGRAMS][DATAGRAMS_CONTROL_OCTETS];
} datagrams;

/* Begin with a socket; control messages have so many octets, 0 if nobody asked for the destination. */
void datagrams_open(datagrams *batch, int fd, int of_ipv6, size_t control_octets);

/* How many datagrams came; -1 and errno. */
int datagrams_receive(datagrams *batch);

/* The octets of a datagram, and room for its answer. */
static inline uint8_t *datagrams_slot(const datagrams *batch, unsigned number) {
    return batch->received[number].msg_hdr.msg_iov->iov_base;
}

/* The client's address, packed; `octets` says how long. */
const uint8_t *datagrams_host(const datagrams *batch, unsigned number, size_t *octets);

/* Note that the slot holds an answer of so many octets. */
void datagrams_answer(datagrams *batch, unsigned number, size_t octets);

/* Note an answer that stands elsewhere, until it is sent, and goes back to where `back` says. */
void datagrams_note(datagrams *batch, const struct msghdr *back, void *answer, size_t octets);

/* Send what was noted; how many of them could not be sent. */
unsigned datagrams_send(datagrams *batch);

#endif
