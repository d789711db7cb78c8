#include "CLibevent.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

struct event *gw_event_timer(struct event_base *base, short flags, event_callback_fn callback, void *context) {
    return event_new(base, -1, flags, callback, context);
}

int gw_event_add_ms(struct event *event, int64_t timeout_ms) {
    struct timeval limit = {.tv_sec = timeout_ms / 1000, .tv_usec = (timeout_ms % 1000) * 1000};
    return event_add(event, timeout_ms < 0 ? NULL : &limit);
}

const char *gw_event_socket_error(void) { return evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()); }

struct evconnlistener *gw_event_listen_tcp(struct event_base *base, evconnlistener_cb callback, void *context,
                                           const char *address, uint16_t port) {
    struct sockaddr_storage where;
    socklen_t length;
    memset(&where, 0, sizeof where);
    struct sockaddr_in *v4 = (struct sockaddr_in *)&where;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&where;
    if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        length = sizeof *v4;
    } else if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        length = sizeof *v6;
    } else {
        errno = EINVAL;
        return NULL;
    }
    unsigned flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE;
    return evconnlistener_new_bind(base, callback, context, flags, -1, (struct sockaddr *)&where, (int)length);
}

uint16_t gw_event_local_port(evutil_socket_t fd) {
    struct sockaddr_storage where;
    socklen_t length = sizeof where;
    if (getsockname(fd, (struct sockaddr *)&where, &length) != 0) return 0;
    if (where.ss_family == AF_INET) return ntohs(((struct sockaddr_in *)&where)->sin_port);
    if (where.ss_family == AF_INET6) return ntohs(((struct sockaddr_in6 *)&where)->sin6_port);
    return 0;
}

bool gw_event_is_address(const char *text) {
    struct in6_addr address;
    return inet_pton(AF_INET, text, &address) == 1 || inet_pton(AF_INET6, text, &address) == 1;
}
