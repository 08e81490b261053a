#define _GNU_SOURCE
#include "datagrams.h"

#include <netinet/in.h>
#include <string.h>

enum {
    SEGMENT = 103, /* UDP_SEGMENT (udp(7)), which not every libc names */
    MANY = 16,     /* answers for which bundles are looked for */
    MOST_OCTETS = 60000, /* of a message: it has no more than 65,535, with what comes before it */
};

void datagrams_open(datagrams *batch, int fd, int of_ipv6, size_t control_octets) {
    int octets;
    socklen_t length = sizeof octets;
    batch->fd = fd;
    batch->of_ipv6 = of_ipv6;
    batch->control_octets = control_octets;
    batch->cuts = getsockopt(fd, IPPROTO_UDP, SEGMENT, &octets, &length) == 0 &&
                  control_octets <= DATAGRAMS_CONTROL_OCTETS - CMSG_SPACE(sizeof(uint16_t));
}

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

/* Answers that may leave together have the same one: their length, the client's port and a part of its address. */
static uint64_t trait(const datagrams *batch, const struct mmsghdr *answer) {
    const uint8_t *name = answer->msg_hdr.msg_name;
    uint16_t port;
    uint32_t host;
    memcpy(&port, name + offsetof(struct sockaddr_in, sin_port), sizeof port);
    memcpy(&host, name + (batch->of_ipv6 ? 20 : offsetof(struct sockaddr_in, sin_addr)), sizeof host);
    return (uint64_t)host << 32 | (uint64_t)port << 16 | (answer->msg_hdr.msg_iov->iov_len & 0xFFFF);
}

static int same_ends(const struct msghdr *one, const struct msghdr *other) {
    return one->msg_namelen == other->msg_namelen && one->msg_controllen == other->msg_controllen &&
           memcmp(one->msg_name, other->msg_name, one->msg_namelen) == 0 &&
           (one->msg_controllen == 0 || memcmp(one->msg_control, other->msg_control, one->msg_controllen) == 0);
}

/* Have the kernel cut a message into datagrams of so many octets. */
static void cut(struct msghdr *head, uint8_t *control, size_t octets) {
    uint16_t each = (uint16_t)octets;
    struct cmsghdr segment = {.cmsg_len = CMSG_LEN(sizeof each), .cmsg_level = IPPROTO_UDP, .cmsg_type = SEGMENT};
    if (head->msg_controllen)
        memcpy(control, head->msg_control, head->msg_controllen);
    memcpy(control + head->msg_controllen, &segment, sizeof segment);
    memcpy(control + head->msg_controllen + CMSG_LEN(0), &each, sizeof each);
    head->msg_control = control;
    head->msg_controllen += CMSG_SPACE(sizeof each);
}

/* Put answers of one length, to one client and from one address, into one message; how many messages there are. */
static unsigned bundle(datagrams *batch) {
    uint64_t traits[DATAGRAMS];
    uint8_t taken[DATAGRAMS] = {0};
    unsigned count = batch->answers_count, bundles = 0, parts = 0;
    for (unsigned at = 0; at < count; at++)
        traits[at] = trait(batch, &batch->answers[at]);
    for (unsigned at = 0; at < count; at++) {
        if (taken[at])
            continue;
        const struct msghdr *first = &batch->answers[at].msg_hdr;
        struct msghdr *head = &batch->bundles[bundles].msg_hdr;
        size_t octets = first->msg_iov->iov_len, most = octets ? MOST_OCTETS / octets : 0;
        *head = *first;
        head->msg_iov = &batch->parts[parts];
        head->msg_iovlen = 0;
        for (unsigned other = at; other < count && (other == at || head->msg_iovlen < most); other++) {
            const struct msghdr *one = &batch->answers[other].msg_hdr;
            if (traits[other] != traits[at] || taken[other] || !same_ends(first, one))
                continue;
            taken[other] = 1;
            batch->parts[parts++] = *one->msg_iov;
            head->msg_iovlen++;
        }
        if (head->msg_iovlen > 1)
            cut(head, batch->controls[bundles], octets);
        bundles++;
    }
    return bundles;
}

/* Send one by one what could not be sent together; how many answers could not be sent at all. */
static unsigned send_singly(const datagrams *batch, const struct msghdr *together) {
    unsigned unsent = 0;
    struct msghdr head = *together;
    if (together->msg_iovlen == 1)
        return 1;
    head.msg_iovlen = 1;
    head.msg_controllen -= CMSG_SPACE(sizeof(uint16_t));
    for (size_t part = 0; part < together->msg_iovlen; part++) {
        head.msg_iov = &together->msg_iov[part];
        unsent += sendmsg(batch->fd, &head, MSG_DONTWAIT) < 0;
    }
    return unsent;
}

unsigned datagrams_send(datagrams *batch) {
    struct mmsghdr *messages = batch->answers;
    unsigned at = 0, unsent = 0, count = batch->answers_count;
    if (batch->cuts && count >= MANY) {
        count = bundle(batch);
        messages = batch->bundles;
    }
    while (at < count) {
        int sent = sendmmsg(batch->fd, messages + at, count - at, MSG_DONTWAIT);
        if (sent > 0) /* else a full buffer, a firewall, no route, port 0: it is about the first one of them */
            at += (unsigned)sent;
        else
            unsent += send_singly(batch, &messages[at++].msg_hdr);
    }
    return unsent;
}
