-- All that is revoked.
return mended('SMEMBERS', '{sendit}:revoked')
