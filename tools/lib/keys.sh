# Keys for trials: made once in build/keys, never committed. Whoever ships devices brings keys of their own.
# Sourced, after common.sh.

# development_key: what signs slots and images, an Ed25519 key; its path goes into $key_file.
development_key() {
    key_file=$root/build/keys/development.pem
    [ -f "$key_file" ] && return 0
    mkdir -p "${key_file%/*}"
    (umask 077 && openssl genpkey -algorithm ed25519 -out "$key_file.new")
    mv "$key_file.new" "$key_file"
}

# development_kernel_key: what signs kernels for U-Boot, an RSA key, build/keys/kernel.pem: U-Boot takes no Ed25519.
development_kernel_key() {
    local file=$root/build/keys/kernel.pem
    [ -f "$file" ] && return 0
    mkdir -p "${file%/*}"
    (umask 077 && openssl genpkey -algorithm rsa -pkeyopt rsa_keygen_bits:2048 -out "$file.new" 2>/dev/null)
    mv "$file.new" "$file"
}

# development_update_keys: what signs bundles, as RAUC wants it: an authority whose certificate is in the image, and a
# key with a certificate of that authority. Into build/keys: update-ca.pem, update.key, update.pem.
development_update_keys() {
    local dir=$root/build/keys new
    [ -f "$dir/update-ca.pem" ] && return 0
    mkdir -p "$dir"
    new=$(mktemp -d "$dir/.update-XXXXXX")
    (
        umask 077
        cd "$new"
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 7300 -keyout ca.key \
            -out update-ca.pem -subj "/CN=Gatewarden updates, for trials only" \
            -addext keyUsage=critical,keyCertSign,cRLSign
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout update.key -out request.pem \
            -subj "/CN=Gatewarden bundles, for trials only"
        printf 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\n' \
            >extensions
        openssl x509 -req -in request.pem -CA update-ca.pem -CAkey ca.key -CAcreateserial -days 7300 \
            -extfile extensions -out update.pem
    ) 2>/dev/null
    mv "$new/update.key" "$new/update.pem" "$dir/"
    mv "$new/ca.key" "$dir/update-ca.key"
    # The certificate of the authority last: it says that the rest is there.
    mv "$new/update-ca.pem" "$dir/"
    rm -rf "$new"
}
