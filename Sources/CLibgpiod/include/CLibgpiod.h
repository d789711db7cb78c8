// libgpiod, the v2 interface, for Swift.
#ifndef GW_CLIBGPIOD_H
#define GW_CLIBGPIOD_H

#include <gpiod.h>

#endif
