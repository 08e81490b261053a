#define _GNU_SOURCE
#include "datagrams.h"

#include <netinet/in.h>
#include <string.h>

int datagrams_receive(datagrams *batch) {
    for (unsigned number = 0; number < batch->used; number++) { /* what the kernel changed the last time */
        struct msghdr *head = &batch->received[number].msg_hdr;
        head->msg_namelen = DATAGRAMS_NAME_OCTETS;
        head->msg_controllen = batch->control_octets;
        head->msg_flags = 0;
    }
    batch->answers_count = 0;
    int count = recvmmsg(batch->fd, batch->received, DATAGRAMS, MSG_DONTWAIT, NULL);
    batch->used = count > 0 ? (unsigned)count : 0;
    return count;
}

const uint8_t *datagrams_host(const datagrams *batch, unsigned number, size_t *octets) {
    const uint8_t *name = batch->received[number].msg_hdr.msg_name;
    *octets = batch->of_ipv6 ? 16 : 4;
    return name + (batch->of_ipv6 ? offsetof(struct sockaddr_in6, sin6_addr) : offsetof(struct sockaddr_in, sin_addr));
}

/* Have the answer leave from the address that was asked, through whatever interface: batch.py says why. */
static void aim(const datagrams *batch, struct msghdr *head) {
    uint8_t *info = (uint8_t *)head->msg_control + CMSG_LEN(0);
    if (!batch->of_ipv6)
        memset(info, 0, sizeof(int)); /* struct in_pktinfo begins with the interface */
    else if (info[0] == 0xFF)
        head->msg_controllen = 0; /* nobody answers from a multicast address */
    else if (info[0] != 0xFE || (info[1] & 0xC0) != 0x80)
        memset(info + 16, 0, sizeof(int)); /* struct in6_pktinfo has it behind the address */
}

void datagrams_note(datagrams *batch, const struct msghdr *back, void *answer, size_t octets) {
    struct msghdr *head = &batch->answers[batch->answers_count].msg_hdr;
    struct iovec *piece = &batch->pieces[batch->answers_count];
    *head = *back;
    piece->iov_base = answer;
    piece->iov_len = octets;
    head->msg_iov = piece;
    head->msg_iovlen = 1;
    if (head->msg_controllen)
        aim(batch, head);
    batch->answers_count++;
}

void datagrams_answer(datagrams *batch, unsigned number, size_t octets) {
    datagrams_note(batch, &batch->received[number].msg_hdr, datagrams_slot(batch, number), octets);
}

unsigned datagrams_send(datagrams *batch) {
    unsigned at = 0, unsent = 0;
    while (at < batch->answers_count) {
        int sent = sendmmsg(batch->fd, batch->answers + at, batch->answers_count - at, MSG_DONTWAIT);
        if (sent > 0) {
            at += (unsigned)sent;
        } else { /* a full buffer, a firewall, no route, port 0: it is about the first one of them */
            at++;
            unsent++;
        }
    }
    return unsent;
}
