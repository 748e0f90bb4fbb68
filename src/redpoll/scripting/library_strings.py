"""stub"""

SOURCE = b"return {string={},table={},loadstring=loadstring,load=load}"
