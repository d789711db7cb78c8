// The room's first file; see Package.swift.
