// Serial ports and terminals. The macro is not in the header for the reason that csystem.c gives.
#define _GNU_SOURCE 1
#include "CSystem.h"

#include <linux/serial.h>
#include <sys/ioctl.h>

static speed_t speed_of(uint32_t baud) {
    switch (baud) {
    case 1200: return B1200;
    case 2400: return B2400;
    case 4800: return B4800;
    case 9600: return B9600;
    case 19200: return B19200;
    case 38400: return B38400;
    case 57600: return B57600;
    case 115200: return B115200;
    case 230400: return B230400;
    case 460800: return B460800;
    case 921600: return B921600;
    default: return B0;
    }
}

int gw_serial_configure(int fd, uint32_t baud, int data_bits, int parity, int stop_bits) {
    speed_t speed = speed_of(baud);
    struct termios t;
    if (speed == B0) {
        errno = EINVAL;
        return -1;
    }
    if (tcgetattr(fd, &t) != 0) return -1;
    cfmakeraw(&t);
    t.c_cflag &= ~(tcflag_t)(CSIZE | PARENB | PARODD | CSTOPB | CRTSCTS | HUPCL);
    t.c_cflag |= CLOCAL | CREAD | (data_bits == 7 ? CS7 : CS8);
    if (parity != GW_PARITY_NONE) t.c_cflag |= PARENB;
    if (parity == GW_PARITY_ODD) t.c_cflag |= PARODD;
    if (stop_bits == 2) t.c_cflag |= CSTOPB;
    t.c_iflag &= ~(tcflag_t)(IXON | IXOFF | IXANY);
    if (parity != GW_PARITY_NONE) t.c_iflag |= INPCK;
    t.c_cc[VMIN] = 0;
    t.c_cc[VTIME] = 0;
    if (cfsetispeed(&t, speed) != 0 || cfsetospeed(&t, speed) != 0) return -1;
    return tcsetattr(fd, TCSANOW, &t);
}

int gw_serial_set_rs485(int fd, bool on) {
    struct serial_rs485 mode = {0};
    if (on) mode.flags = SER_RS485_ENABLED | SER_RS485_RTS_ON_SEND;
    return ioctl(fd, TIOCSRS485, &mode);
}

int gw_serial_flush(int fd) { return tcflush(fd, TCIOFLUSH); }

int gw_terminal_raw(int fd, struct termios *saved) {
    if (tcgetattr(fd, saved) != 0) return -1;
    struct termios raw = *saved;
    cfmakeraw(&raw);
    return tcsetattr(fd, TCSANOW, &raw);
}

int gw_terminal_restore(int fd, const struct termios *saved) { return tcsetattr(fd, TCSANOW, saved); }

int gw_terminal_size(int fd, int *columns, int *rows) {
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) != 0) return -1;
    *columns = size.ws_col;
    *rows = size.ws_row;
    return 0;
}

int gw_pty_open(char *name, size_t capacity) {
    int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) return -1;
    int error = grantpt(fd) != 0 || unlockpt(fd) != 0 ? errno : ptsname_r(fd, name, capacity);
    if (error == 0) return fd;
    close(fd);
    errno = error;
    return -1;
}
