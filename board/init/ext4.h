#ifndef GATEWARDEN_EXT4_H
#define GATEWARDEN_EXT4_H

/* What the superblock of an ext4 partition says on the medium itself: 1 when ext4 met an error or is not valid, -1 when
 * it cannot be read, else 0: the journal puts right what there is, or it does not mount. */
int ext4_is_faulty(const char *device);

/* The same of this board's data partition. */
int data_is_faulty(void);

#endif
