// As much of Unreal, FMOD Core and Wwise as the guide's snippets use: enough to compile them.
#include <cstdint>
#include <string>
#include <vector>

void Fire(const std::string &label, unsigned int frame);

// Unreal
#define USTRUCT(...)
#define GENERATED_BODY()
#define UPROPERTY(...)
#define TEXT(text) text
typedef int32_t int32;
typedef int64_t int64;
typedef std::string FString;
struct FTableRowBase {};
template <class T> struct TArray : std::vector<T>
{
    int32 Num() const { return static_cast<int32>(this->size()); }
};
struct UDataTable
{
    template <class T> void GetAllRows(const char *, TArray<T *> &) const {}
};
struct AMusicDirector
{
    UDataTable *Table;
    int32 Next = 0;
    void OnUpcoming(const FString &label, double seconds);
    void Advance(double Seconds, double LookAhead);
};

// FMOD Core
#define F_CALL
enum FMOD_RESULT { FMOD_OK };
enum FMOD_CHANNELCONTROL_TYPE { FMOD_CHANNELCONTROL_CHANNEL };
enum FMOD_CHANNELCONTROL_CALLBACK_TYPE { FMOD_CHANNELCONTROL_CALLBACK_SYNCPOINT };
const unsigned int FMOD_TIMEUNIT_PCM = 2;
struct FMOD_CHANNELCONTROL;
struct FMOD_SYNCPOINT;
namespace FMOD
{
struct Sound
{
    FMOD_RESULT getSyncPoint(int index, FMOD_SYNCPOINT **point);
    FMOD_RESULT getSyncPointInfo(FMOD_SYNCPOINT *point, char *name, int length, unsigned int *offset, unsigned int unit);
};
struct Channel
{
    FMOD_RESULT getCurrentSound(Sound **sound);
};
}

// Wwise
typedef uint64_t AkGameObjectID;
typedef uint32_t AkUInt32;
enum AkCallbackType { AK_Marker = 0x0004, AK_MusicSyncUserCue = 0x2000 };
struct AkCallbackInfo {};
struct AkMarkerCallbackInfo : AkCallbackInfo
{
    AkUInt32 uIdentifier;
    AkUInt32 uPosition;
    const char *strLabel;
};
struct AkMusicSyncCallbackInfo : AkCallbackInfo
{
    char *pszUserCueName;
};
namespace AK
{
namespace SoundEngine
{
AkUInt32 PostEvent(const char *name, AkGameObjectID id, AkUInt32 flags, void (*callback)(AkCallbackType, AkCallbackInfo *), void *cookie);
}
}
