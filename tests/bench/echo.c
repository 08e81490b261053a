/* The least that a server can do: it sends every datagram back with QR set, by the batch.
 *
 * What it answers each second is the limit of this machine, its kernel and the generator. As servers must, it
 * takes a wildcard socket and answers from the address that was asked.
 *
 *   echo PORT */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { BATCH = 64, OCTETS = 1280 };

static uint8_t buffers[BATCH][OCTETS];
static union {
    struct cmsghdr head;
    char octets[CMSG_SPACE(sizeof(struct in_pktinfo))];
} controls[BATCH];
static struct sockaddr_in clients[BATCH];
static struct iovec parts[BATCH];
static struct mmsghdr messages[BATCH];

int main(int count, char **words)
{
    struct sockaddr_in here = {.sin_family = AF_INET};
    int yes = 1, opened = socket(AF_INET, SOCK_DGRAM, 0);

    here.sin_port = htons((uint16_t)(count == 2 ? atoi(words[1]) : 0));
    setsockopt(opened, IPPROTO_IP, IP_PKTINFO, &yes, sizeof yes);
    if (here.sin_port == 0 || bind(opened, (struct sockaddr *)&here, sizeof here) != 0) {
        perror("echo PORT");
        return 1;
    }
    for (;;) {
        for (int i = 0; i < BATCH; i++) {
            parts[i] = (struct iovec){buffers[i], OCTETS};
            messages[i].msg_hdr =
                (struct msghdr){&clients[i], sizeof clients[i], &parts[i], 1, &controls[i], sizeof controls[i], 0};
        }
        int got = recvmmsg(opened, messages, BATCH, MSG_WAITFORONE, NULL);
        if (got < 0 && errno != EINTR && errno != ECONNREFUSED)
            return 1;
        for (int i = 0; i < got; i++) {
            buffers[i][2] |= 0x80;
            parts[i].iov_len = messages[i].msg_len;
            struct cmsghdr *control = CMSG_FIRSTHDR(&messages[i].msg_hdr);
            if (control != NULL) /* by any interface: it may be another one on the way back */
                ((struct in_pktinfo *)CMSG_DATA(control))->ipi_ifindex = 0;
        }
        for (int sent = 0; sent < got;) {
            int some = sendmmsg(opened, messages + sent, (unsigned)(got - sent), 0);
            sent += some > 0 ? some : 1;
        }
    }
}
