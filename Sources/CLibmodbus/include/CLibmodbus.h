// libmodbus for Swift.
#ifndef GW_CLIBMODBUS_H
#define GW_CLIBMODBUS_H

#include <errno.h>
#include <modbus/modbus.h>

#endif
