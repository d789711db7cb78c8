#ifndef GATEWARDEN_EXT4_H
#define GATEWARDEN_EXT4_H

/* What the superblock of an ext4 partition says on the medium itself: 1 when ext4 met an error or a repair was not
 * ended, 0 when its journal puts right whatever there is, -1 when it cannot be read. */
int ext4_is_faulty(const char *device);

#endif
